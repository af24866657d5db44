if exists('b:current_syntax')
  finish
endif

syntax keyword alloyBoolean true false
syntax keyword alloyNull null
syntax match alloyNumber /\<\d\+\%(\.\d*\)\?\%([eE][-+]\?\d\+\)\?/
syntax match alloyFunction /\<\h\w*\ze(/
syntax match alloyField /\<\h\w*\ze\s*=[=]\@!/
syntax match alloyBlock /^\s*\zs\h[A-Za-z0-9_.]*\ze\s*\%("[^"]*"\s*\)\?{/
syntax match alloyDeclaring /^\s*\zs\%(declare\|argument\|export\|foreach\|import\.\h\w*\)\ze\s\+".*{/
syntax match alloyEscape /\\./ contained
syntax region alloyString start=/"/ skip=/\\./ end=/"\|$/ contains=alloyEscape
syntax region alloyRawString start=/`/ end=/`/
syntax match alloyComment /\/\/.*/
syntax region alloyComment start=/\/\*/ end=/\*\//

highlight default link alloyBoolean Boolean
highlight default link alloyNull Constant
highlight default link alloyNumber Number
highlight default link alloyFunction Function
highlight default link alloyField Identifier
highlight default link alloyBlock Type
highlight default link alloyDeclaring Keyword
highlight default link alloyEscape SpecialChar
highlight default link alloyString String
highlight default link alloyRawString String
highlight default link alloyComment Comment

let b:current_syntax = 'alloy'

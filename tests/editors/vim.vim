" Does in Vim with ALE what a person does, and writes what is seen to $SEEN.

let s:seen = {}

function! s:Await(what, condition) abort
  let l:started = localtime()
  while !a:condition()
    if localtime() - l:started > 60
      throw 'never seen: ' . a:what . '; ' . string(getline(1, '$')) . string(ale#engine#GetLoclist(bufnr('')))
    endif
    sleep 20m
  endwhile
endfunction

function! s:Messages() abort
  return map(copy(ale#engine#GetLoclist(bufnr(''))), 'v:val.text')
endfunction

function! s:Fault(text) abort
  return get(filter(s:Messages(), 'stridx(v:val, a:text) >= 0'), 0, '')
endfunction

function! s:Choose(data, items) abort
  let s:seen.actions = map(copy(a:items), 'v:val[1].title')
  for [l:kind, l:item] in a:items
    if l:item.title =~# 'listen_address'
      call ale#codefix#ApplyLSPCodeAction(a:data, l:item)
    endif
  endfor
endfunction

function! s:Person() abort
  execute 'edit' fnameescape($FILE)
  let s:seen.filetype = &filetype
  call s:Await('the fault', {-> s:Fault('expected') isnot# ''})
  let s:seen.fault = s:Fault('expected')

  call cursor(6, stridx(getline(6), ']'))
  call feedkeys("a\<C-x>\<C-o>\<C-r>=Completions()\<CR>\<C-y>\<Esc>", 'xt')
  let s:seen.completed = getline(6)
  call s:Await('the second fault', {-> s:Fault('listen_addres') isnot# ''})
  let s:seen.second_fault = s:Fault('listen_addres')

  call cursor(3, stridx(getline(3), 'listen') + 1)
  call ale#codefix#Execute(0, function('s:Choose'))
  call s:Await('the quick fix', {-> getline(3) =~# 'listen_address'})
  let s:seen.fixed = getline(3)

  call cursor(9, stridx(getline(9), 'backend') + 1)
  call feedkeys(":ALERename\<CR>\<C-u>store\<CR>", 'xt')
  call s:Await('the new name', {-> getline(9) =~# 'store' && getline(6) =~# 'store'})
  call s:Await('a file without faults', {-> filter(copy(ale#engine#GetLoclist(bufnr(''))), 'v:val.type ==# "E"') == []})

  write
  call s:Await('formatting', {-> getline(2) ==# "\thttp {"})
  call s:Await('saving', {-> !&modified})
endfunction

function! Completions() abort
  let s:seen.completions = map(copy(complete_info(['items']).items), 'v:val.word')
  return ''
endfunction

try
  call s:Person()
catch
  let s:seen.error = v:exception . ' ' . v:throwpoint
endtry
call writefile([json_encode(s:seen)], $SEEN)
qall!

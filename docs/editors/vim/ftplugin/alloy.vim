if exists('b:did_ftplugin')
  finish
endif
let b:did_ftplugin = 1
let b:undo_ftplugin = 'setlocal commentstring< comments< expandtab<'

setlocal commentstring=//\ %s
setlocal comments=s1:/*,mb:*,ex:*/,://
setlocal noexpandtab

" ALE formats with this, if g:ale_fix_on_save is set.
if !exists('b:ale_fixers')
  let b:ale_fixers = ['alloypy#Fix']
  let b:undo_ftplugin .= ' | unlet! b:ale_fixers'
endif

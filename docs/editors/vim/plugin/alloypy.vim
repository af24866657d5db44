" vim-lsp
if exists('g:loaded_alloypy')
  finish
endif
let g:loaded_alloypy = 1

augroup alloypy
  autocmd!
  autocmd User lsp_setup call s:RegisterServer()
augroup END

function! s:RegisterServer() abort
  call lsp#register_server({
  \ 'name': 'alloypy',
  \ 'cmd': {info -> ['alloypy', 'lsp']},
  \ 'allowlist': ['alloy'],
  \ 'root_uri': {info -> lsp#utils#path_to_uri(alloypy#Root(bufnr('')))},
  \})
endfunction

" The folder of a buffer's project: the nearest with settings or a repository, or else its own.
function! alloypy#Root(buffer) abort
  let l:folder = fnamemodify(bufname(a:buffer), ':p:h')
  for l:marker in ['.alloypy.toml', 'pyproject.toml']
    let l:found = findfile(l:marker, l:folder . ';')
    if l:found isnot# ''
      return fnamemodify(l:found, ':p:h')
    endif
  endfor
  let l:git = finddir('.git', l:folder . ';')
  return l:git is# '' ? l:folder : fnamemodify(l:git, ':p:h:h')
endfunction

" Formats a buffer, for ALE.
function! alloypy#Fix(buffer) abort
  return {'command': ale#Escape(get(g:, 'ale_alloy_alloypy_executable', 'alloypy')) . ' fmt -'}
endfunction

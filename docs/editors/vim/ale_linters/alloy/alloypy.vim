" ALE finds this file by itself.

call ale#Set('alloy_alloypy_executable', 'alloypy')

call ale#linter#Define('alloy', {
\ 'name': 'alloypy',
\ 'lsp': 'stdio',
\ 'executable': {buffer -> ale#Var(buffer, 'alloy_alloypy_executable')},
\ 'command': '%e lsp',
\ 'project_root': function('alloypy#Root'),
\})

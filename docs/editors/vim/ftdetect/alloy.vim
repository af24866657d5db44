autocmd BufRead,BufNewFile *.alloy setfiletype alloy

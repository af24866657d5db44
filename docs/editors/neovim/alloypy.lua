-- Neovim 0.11 or newer: require this file from init.lua, or copy it into it.

vim.filetype.add({ extension = { alloy = "alloy" } })

vim.lsp.config("alloypy", {
  cmd = { "alloypy", "lsp" },
  filetypes = { "alloy" },
  root_markers = { ".alloypy.toml", "pyproject.toml", ".git" },
})
vim.lsp.enable("alloypy")

vim.api.nvim_create_autocmd("FileType", {
  pattern = "alloy",
  callback = function()
    vim.bo.commentstring = "// %s"
    vim.bo.expandtab = false
  end,
})

-- Format when saving.
vim.api.nvim_create_autocmd("BufWritePre", {
  pattern = "*.alloy",
  callback = function(event)
    vim.lsp.buf.format({ bufnr = event.buf, name = "alloypy" })
  end,
})

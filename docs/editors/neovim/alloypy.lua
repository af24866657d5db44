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

-- Faults beside their lines, completion while typing, and hints.
vim.diagnostic.config({ virtual_text = true })
vim.api.nvim_create_autocmd("LspAttach", {
  callback = function(event)
    local client = assert(vim.lsp.get_client_by_id(event.data.client_id))
    if client.name == "alloypy" then
      vim.bo[event.buf].completeopt = "menuone,noselect,popup"
      vim.lsp.completion.enable(true, client.id, event.buf, { autotrigger = true })
      vim.lsp.inlay_hint.enable(true, { bufnr = event.buf })
    end
  end,
})

-- Format when saving.
vim.api.nvim_create_autocmd("BufWritePre", {
  pattern = "*.alloy",
  callback = function(event)
    vim.lsp.buf.format({ bufnr = event.buf, name = "alloypy" })
  end,
})

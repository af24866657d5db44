-- Neovim 0.7 to 0.10: require this file from init.lua, or copy it into it.

vim.api.nvim_create_autocmd({ "BufRead", "BufNewFile" }, {
  pattern = "*.alloy",
  callback = function()
    vim.bo.filetype = "alloy"
  end,
})

local function root_of(file)
  local folder = vim.fn.fnamemodify(file, ":p:h")
  for _, marker in ipairs({ ".alloypy.toml", "pyproject.toml" }) do
    local found = vim.fn.findfile(marker, folder .. ";")
    if found ~= "" then
      return vim.fn.fnamemodify(found, ":p:h")
    end
  end
  local git = vim.fn.finddir(".git", folder .. ";")
  return git ~= "" and vim.fn.fnamemodify(git, ":p:h:h") or folder
end

local clients = {} -- by root

vim.api.nvim_create_autocmd("FileType", {
  pattern = "alloy",
  callback = function(event)
    vim.bo.commentstring = "// %s"
    vim.bo.expandtab = false
    vim.bo.omnifunc = "v:lua.vim.lsp.omnifunc"
    local root = root_of(event.file)
    if not (clients[root] and vim.lsp.get_client_by_id(clients[root])) then
      clients[root] = vim.lsp.start_client({ name = "alloypy", cmd = { "alloypy", "lsp" }, root_dir = root })
    end
    if clients[root] then
      vim.lsp.buf_attach_client(event.buf, clients[root])
    end
  end,
})

-- Format when saving.
vim.api.nvim_create_autocmd("BufWritePre", {
  pattern = "*.alloy",
  callback = function()
    if vim.lsp.buf.format then
      vim.lsp.buf.format({ name = "alloypy" })
    else
      vim.lsp.buf.formatting_sync()
    end
  end,
})

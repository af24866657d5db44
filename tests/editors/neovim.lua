-- Does in Neovim what a person does, key by key, and writes what is seen to $SEEN. Arguments: the file.

local patience = 60000
local seen = {}

local function finish()
  vim.fn.writefile({ vim.fn.json_encode(seen) }, vim.env.SEEN)
  vim.cmd("qall!")
end

local person

local function proceed(...)
  local fine, message = coroutine.resume(person, ...)
  if not fine then
    seen.error = tostring(message)
    seen.text = vim.api.nvim_buf_get_lines(0, 0, -1, false)
    finish()
  elseif coroutine.status(person) == "dead" then
    finish()
  end
end

local function await(what, condition)
  local until_ = vim.loop.now() + patience
  local function look()
    local found = condition()
    if found then
      proceed(found)
    elseif vim.loop.now() > until_ then
      seen.error = "never seen: " .. what
      seen.text = vim.api.nvim_buf_get_lines(0, 0, -1, false)
      finish()
    else
      vim.defer_fn(look, 20)
    end
  end
  vim.defer_fn(look, 20)
  return coroutine.yield()
end

local function press(keys)
  vim.api.nvim_input(keys)
end

local function messages()
  return vim.tbl_map(function(each)
    return each.message
  end, vim.diagnostic.get(0))
end

local function has(text)
  return function()
    for _, message in ipairs(messages()) do
      if message:find(text, 1, true) then
        return message
      end
    end
  end
end

local function line(number)
  return vim.api.nvim_buf_get_lines(0, number - 1, number, false)[1]
end

local function change(number, before, what)
  return await(what, function()
    return line(number) ~= before and line(number)
  end)
end

person = coroutine.create(function()
  vim.cmd("edit " .. vim.fn.fnameescape(vim.env.FILE))
  seen.filetype = vim.bo.filetype
  seen.fault = await("the fault", has("expected"))

  vim.api.nvim_win_set_cursor(0, { 6, line(6):find("]", 1, true) - 1 })
  press("i<C-x><C-o>")
  local unfinished = line(6)
  await("a completion", function() -- a single one is inserted without a menu
    return vim.fn.pumvisible() == 1 or line(6) ~= unfinished
  end)
  seen.completions = vim.tbl_map(function(item)
    return item.abbr ~= "" and item.abbr or item.word
  end, vim.fn.complete_info({ "items" }).items)
  press("<C-y><Esc>")
  await("the end of the insertion", function()
    return vim.fn.mode() == "n"
  end)
  seen.completed = line(6)
  seen.second_fault = await("the second fault", has("listen_addres"))

  vim.ui.select = function(items, options, on_choice)
    local titles = vim.tbl_map(options.format_item, items)
    seen.actions = titles
    for index, title in ipairs(titles) do
      if title:find("listen_address", 1, true) then
        return on_choice(items[index], index)
      end
    end
    on_choice(nil, nil)
  end
  vim.api.nvim_win_set_cursor(0, { 3, line(3):find("listen", 1, true) - 1 })
  local before = line(3)
  vim.lsp.buf.code_action()
  seen.fixed = change(3, before, "the quick fix")
  await("a file without faults", function()
    return #vim.diagnostic.get(0, { severity = { min = vim.diagnostic.severity.ERROR } }) == 0
  end)

  vim.api.nvim_win_set_cursor(0, { 9, line(9):find("backend", 1, true) - 1 })
  before = line(9)
  vim.lsp.buf.rename("store")
  seen.renamed = { change(9, before, "the new name"), line(6) }

  vim.cmd("write")
end)

vim.defer_fn(proceed, 0)

(comment) @comment
(string) @string
(number) @number
(boolean) @boolean
(attribute name: (identifier) @property)
(block name: (identifier) @type)
(block name: (block_identifier) @type)
(block block_label: (string) @string.special)

["{" "}" "[" "]"] @punctuation.bracket
["," "."] @punctuation.delimiter
"=" @operator

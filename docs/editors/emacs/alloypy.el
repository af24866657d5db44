;;; alloypy.el --- Grafana Alloy configuration, with alloypy -*- lexical-binding: t -*-

;; Load this file from your init file, or copy it into it.  It needs Emacs 28 or newer; Emacs 29 brings eglot,
;; older ones get it from a package.

(require 'prog-mode)

(defgroup alloypy nil
  "Grafana Alloy configuration."
  :group 'languages)

(defcustom alloypy-command '("alloypy" "lsp")
  "The language server: the program and its arguments."
  :type '(repeat string))

(defvar alloy-mode-syntax-table
  (let ((table (make-syntax-table)))
    (modify-syntax-entry ?_ "_" table)
    (modify-syntax-entry ?/ ". 124b" table)
    (modify-syntax-entry ?* ". 23" table)
    (modify-syntax-entry ?\n "> b" table)
    (modify-syntax-entry ?\" "\"" table)
    (modify-syntax-entry ?` "|" table)
    (modify-syntax-entry ?' "." table)
    table)
  "Syntax of `alloy-mode'.")

(defconst alloy-mode-keywords
  `((,(regexp-opt '("true" "false" "null") 'symbols) . font-lock-constant-face)
    ("^\\s-*\\(\\(?:declare\\|argument\\|export\\|foreach\\|import\\.[a-z]+\\)\\)\\_>.*{" 1 font-lock-keyword-face)
    ("^\\s-*\\([[:alpha:]_][[:alnum:]_.]*\\)\\s-*\\(?:\"[^\"\n]*\"\\s-*\\)?{" 1 font-lock-type-face)
    ("^\\s-*\\([[:alpha:]_][[:alnum:]_]*\\)\\s-*=[^=]" 1 font-lock-variable-name-face)
    ("\\_<\\([[:alpha:]_][[:alnum:]_]*\\)(" 1 font-lock-function-name-face))
  "What `alloy-mode' highlights.")

(defun alloy-indent-line ()
  "Indent the line by the number of brackets around it."
  (interactive)
  (let* ((closing (save-excursion (back-to-indentation) (looking-at-p "[]})]")))
         (depth (car (save-excursion (syntax-ppss (line-beginning-position)))))
         (column (* tab-width (max 0 (if closing (1- depth) depth)))))
    (if (<= (current-column) (current-indentation))
        (indent-line-to column)
      (save-excursion (indent-line-to column)))))

;;;###autoload
(define-derived-mode alloy-mode prog-mode "Alloy"
  "Grafana Alloy configuration."
  (setq-local comment-start "// "
              comment-end ""
              comment-start-skip "\\(?://+\\|/\\*+\\)\\s-*"
              indent-tabs-mode t
              tab-width 4
              indent-line-function #'alloy-indent-line
              font-lock-defaults '(alloy-mode-keywords)))

;;;###autoload
(add-to-list 'auto-mode-alist '("\\.alloy\\'" . alloy-mode))

(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs (cons 'alloy-mode (lambda (&rest _) alloypy-command))))

(with-eval-after-load 'lsp-mode
  (add-to-list 'lsp-language-id-configuration '(alloy-mode . "alloy"))
  (lsp-register-client
   (make-lsp-client :new-connection (lsp-stdio-connection (lambda () alloypy-command))
                    :activation-fn (lsp-activate-on "alloy")
                    :server-id 'alloypy)))

(provide 'alloypy)
;;; alloypy.el ends here

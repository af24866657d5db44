;;; Does in Emacs what a person does, and writes what is seen to $SEEN.  -*- lexical-binding: t -*-

(require 'package)
(package-initialize)
(require 'eglot)
(require 'json)

(defvar seen nil)
(setq eglot-sync-connect 60
      eglot-connect-timeout 60
      eglot-send-changes-idle-time 0
      eglot-autoreconnect nil
      eglot-confirm-server-initiated-edits nil
      make-backup-files nil)

(defun await (what condition)
  "Wait until CONDITION holds, which is called WHAT; return its value."
  (let ((until (+ (float-time) 60))
        found)
    (while (not (setq found (funcall condition)))
      (when (> (float-time) until)
        (error "never seen: %s; %S" what (buffer-string)))
      (accept-process-output nil 0.02)
      (eglot--signal-textDocument/didChange)
      (flymake-start))
    found))

(defun fault (text)
  "The message of a fault with TEXT in it."
  (seq-find (lambda (message) (string-search text message))
            (mapcar #'flymake-diagnostic-text (flymake-diagnostics))))

(defun see (key value)
  (push (cons key value) seen))

(defun line-text ()
  (buffer-substring-no-properties (line-beginning-position) (line-end-position)))

(defun person ()
  (find-file (getenv "FILE"))
  (see 'mode (symbol-name major-mode))
  (run-hooks 'post-command-hook) ; as after a key: eglot starts the server then
  (see 'fault (await "the fault" (lambda () (fault "expected"))))

  (goto-char (point-min))
  (search-forward "backend.")
  (let* ((capf (eglot-completion-at-point)))
    (see 'completions (vconcat (all-completions "" (nth 2 capf)))))
  (completion-at-point)
  (see 'completed (line-text))
  (see 'second_fault (await "the second fault" (lambda () (fault "listen_addres"))))

  (goto-char (point-min))
  (search-forward "listen_addr")
  (cl-letf (((symbol-function 'completing-read)
             (lambda (_prompt choices &rest _)
               (let ((titles (mapcar #'car choices)))
                 (see 'actions (vconcat titles))
                 (seq-find (lambda (title) (string-search "listen_address" title)) titles)))))
    (eglot-code-actions (point) nil "quickfix" t))
  (see 'fixed (line-text))
  (await "a file without faults"
         (lambda () (not (seq-find (lambda (each) (eq (flymake-diagnostic-type each) 'eglot-error))
                                   (flymake-diagnostics)))))

  (goto-char (point-min))
  (search-forward "write \"back")
  (eglot-rename "store")
  (see 'renamed (line-text))

  (save-buffer)
  (eglot-shutdown (eglot-current-server)))

(condition-case problem
    (person)
  (error (see 'error (error-message-string problem))))
(with-temp-file (getenv "SEEN")
  (insert (json-encode seen)))
(kill-emacs)

//! Starts `alloypy lsp`: the one that the settings name, or the one on PATH.

use zed_extension_api::{self as zed, settings::LspSettings, Command, LanguageServerId, Result, Worktree};

const MISSING: &str = "alloypy is not on PATH; install it with: pip install 'alloypy[lsp]'";

struct Alloypy;

impl zed::Extension for Alloypy {
    fn new() -> Self {
        Alloypy
    }

    fn language_server_command(&mut self, server: &LanguageServerId, worktree: &Worktree) -> Result<Command> {
        let binary = LspSettings::for_worktree(server.as_ref(), worktree)?.binary;
        let (path, arguments) = binary.map_or((None, None), |set| (set.path, set.arguments));
        Ok(Command {
            command: path.or_else(|| worktree.which("alloypy")).ok_or(MISSING)?,
            args: arguments.unwrap_or_else(|| vec!["lsp".into()]),
            env: worktree.shell_env(),
        })
    }

    fn language_server_workspace_configuration(
        &mut self,
        server: &LanguageServerId,
        worktree: &Worktree,
    ) -> Result<Option<zed::serde_json::Value>> {
        Ok(LspSettings::for_worktree(server.as_ref(), worktree)?.settings)
    }
}

zed::register_extension!(Alloypy);

// Starts the language server for Alloy files, and says what to do where it cannot be started.

import {
  commands,
  env,
  type ExtensionContext,
  languages,
  LanguageStatusSeverity,
  Location,
  Position,
  Range,
  Uri,
  window,
  workspace,
} from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import { find, NotFound, pythonEnvironments } from "./finding";
import { Ended, LANGUAGES, serve } from "./serving";

const INSTALL = "pip install 'alloypy[lsp]'";
const COPY = `Copy "${INSTALL}"`;
const SETTINGS = "Open the Settings";
const OUTPUT = "Show the Output";
const NEEDS_RESTART = ["alloypy.path", "alloypy.arguments"];

let session: Session | undefined;

export async function activate(context: ExtensionContext): Promise<void> {
  session = new Session();
  const current = session;
  context.subscriptions.push(
    current,
    commands.registerCommand("alloypy.restart", () => current.restart()),
    commands.registerCommand("alloypy.showOutput", () => current.output.show()),
    commands.registerCommand("alloypy.showReferences", showReferences),
    workspace.onDidGrantWorkspaceTrust(() => current.restart()),
    workspace.onDidChangeConfiguration((change) => {
      if (NEEDS_RESTART.some((name) => change.affectsConfiguration(name))) {
        void current.restart();
      }
    }),
  );
  await current.restart();
  const python = await pythonEnvironments();
  if (python) {
    context.subscriptions.push(python.onDidChangeActiveEnvironmentPath(() => void current.restartIfElsewhere()));
  }
}

export async function deactivate(): Promise<void> {
  await session?.stop();
}

/** The server that runs, if one does, and what the window shows of it. */
class Session {
  readonly output = window.createOutputChannel("alloypy", { log: true });
  private readonly status = languages.createLanguageStatusItem(
    "alloypy",
    LANGUAGES.map((language) => ({ language })),
  );
  private client: LanguageClient | undefined;
  private program = "";
  private work: Promise<void> = Promise.resolve();

  constructor() {
    this.status.name = "alloypy";
  }

  /** Stop the server and start it again; one restart at a time. */
  restart(): Promise<void> {
    this.work = this.work.then(() => this.startAgain());
    return this.work;
  }

  async restartIfElsewhere(): Promise<void> {
    const found = await find().catch(() => undefined);
    if (found && found.path !== this.program) {
      await this.restart();
    }
  }

  async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    await client?.dispose().catch(() => undefined);
  }

  dispose(): void {
    this.status.dispose();
    this.output.dispose();
  }

  private async startAgain(): Promise<void> {
    await this.stop();
    this.show("starting", LanguageStatusSeverity.Information, true);
    try {
      const found = await find();
      this.program = found.path;
      this.output.info(`${found.path} (${found.how})`);
      this.client = await serve(found, this.output, (said) => void this.fail(said, [OUTPUT]));
      const server = this.client.initializeResult?.serverInfo;
      this.show(`${server?.name ?? "alloypy"} ${server?.version ?? ""}`.trim(), LanguageStatusSeverity.Information);
    } catch (error) {
      void this.fail(...explained(error, this.program));
    }
  }

  private async fail(text: string, answers: string[]): Promise<void> {
    this.show("not running", LanguageStatusSeverity.Error);
    this.status.detail = text;
    this.output.error(text);
    const answer = await window.showErrorMessage(text, ...answers);
    if (answer === COPY) {
      await env.clipboard.writeText(INSTALL);
      void window.showInformationMessage(
        "Paste the command into a terminal where your Python environment is active, then run: alloypy: Restart the Language Server.",
      );
    } else if (answer === SETTINGS) {
      await commands.executeCommand("workbench.action.openSettings", "alloypy.path");
    } else if (answer === OUTPUT) {
      this.output.show();
    }
  }

  private show(text: string, severity: LanguageStatusSeverity, busy = false): void {
    this.status.text = text;
    this.status.severity = severity;
    this.status.busy = busy;
    this.status.detail = this.program;
    this.status.command =
      severity === LanguageStatusSeverity.Error
        ? { title: "Restart", command: "alloypy.restart" }
        : { title: "Output", command: "alloypy.showOutput" };
  }
}

/** What went wrong and what to do about it: a message, and the buttons below it. */
function explained(error: unknown, program: string): [string, string[]] {
  if (error instanceof NotFound) {
    return [`${error.message} Install it with: ${INSTALL}`, [COPY, SETTINGS]];
  }
  if (error instanceof Ended) {
    const version = error.version ? ` (${error.version})` : "";
    return [`${program}${version} does not serve editors: ${error.message} Install it with: ${INSTALL}`, [COPY, SETTINGS, OUTPUT]];
  }
  return [`alloypy cannot be started: ${error instanceof Error ? error.message : String(error)}`, [OUTPUT, SETTINGS]];
}

interface Place {
  readonly line: number;
  readonly character: number;
}

interface Found {
  readonly uri: string;
  readonly range: { readonly start: Place; readonly end: Place };
}

/** The command of a code lens: shows the references that the server has sent. */
async function showReferences(uri: string, position: Place, locations: Found[]): Promise<void> {
  const at = (place: Place) => new Position(place.line, place.character);
  await commands.executeCommand(
    "editor.action.showReferences",
    Uri.parse(uri),
    at(position),
    locations.map((each) => new Location(Uri.parse(each.uri), new Range(at(each.range.start), at(each.range.end)))),
  );
}

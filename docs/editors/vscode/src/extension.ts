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
import type { Advice, Answer } from "./explaining.cjs";
import { find, NotFound, pythonEnvironments } from "./finding";
import { Ended, LANGUAGES, serve } from "./serving";

const LABELS: Record<Answer, string> = {
  copy: "Copy the Command",
  settings: "Open the Settings",
  output: "Show the Output",
  restart: "Restart",
};
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
      this.client = await serve(found, this.output, (advice) => void this.fail(advice));
      const server = this.client.initializeResult?.serverInfo;
      this.show(`${server?.name ?? "alloypy"} ${server?.version ?? ""}`.trim(), LanguageStatusSeverity.Information);
    } catch (error) {
      void this.fail(explained(error));
    }
  }

  private async fail({ text, answers, command }: Advice): Promise<void> {
    this.show("not running", LanguageStatusSeverity.Error);
    this.status.detail = text;
    this.output.error(text);
    const chosen = await window.showErrorMessage(text, ...answers.map((each) => LABELS[each]));
    if (chosen === LABELS.copy && command) {
      await env.clipboard.writeText(command);
      const restart = await window.showInformationMessage(
        "Paste the command into a terminal. Once alloypy is installed, restart the language server.",
        LABELS.restart,
      );
      if (restart) {
        await this.restart();
      }
    } else if (chosen === LABELS.settings) {
      await commands.executeCommand("workbench.action.openSettings", "alloypy.path");
    } else if (chosen === LABELS.output) {
      this.output.show();
    } else if (chosen === LABELS.restart) {
      await this.restart();
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

/** What went wrong and what to do about it. */
function explained(error: unknown): Advice {
  if (error instanceof NotFound || error instanceof Ended) {
    return error.advice;
  }
  const text = `alloypy cannot be started: ${error instanceof Error ? error.message : String(error)}`;
  return { text, answers: ["output", "settings"] };
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

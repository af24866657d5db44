// The language server as a process, and the client that talks to it.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { promisify } from "node:util";
import { type LogOutputChannel, workspace } from "vscode";
import {
  CloseAction,
  ErrorAction,
  type ErrorHandler,
  LanguageClient,
  type LanguageClientOptions,
  RevealOutputChannelOn,
} from "vscode-languageclient/node";
import { type Advice, cannotServe, endsAgainAndAgain } from "./explaining.cjs";
import type { Found } from "./finding";
import { pipOf } from "./locating.cjs";

/** The languages of Alloy files: ours, and that of Grafana's extension for highlighting. */
export const LANGUAGES = ["alloy", "grafana-alloy"];

const RESTARTS = 4;
const RESTARTS_WITHIN_MS = 180_000;
const END_PATIENCE_MS = 2000;
const KEPT_OF_STDERR = 4000;

/** A server that ended before it was ready; the advice says why, and what to do. */
export class Ended extends Error {
  constructor(readonly advice: Advice) {
    super(advice.text);
  }
}

/** A client that leaves it to the extension to say that a server cannot be started. */
class Client extends LanguageClient {
  process: ServerProcess | undefined;

  override error(message: string, data?: unknown, showNotification?: boolean | "force"): void {
    super.error(message, data, this.process?.served ? showNotification : false);
  }
}

/** A client with its server. Rejected with `Ended` where the program cannot serve. */
export async function serve(
  found: Found,
  output: LogOutputChannel,
  onEnd: (advice: Advice) => void,
): Promise<LanguageClient> {
  const process = new ServerProcess(found.path);
  const client = new Client("alloypy", "alloypy", () => process.start(), options(output, process, onEnd));
  client.process = process;
  try {
    await client.start();
  } catch (error) {
    await client.dispose().catch(() => undefined);
    await process.end();
    const { failure, written } = process;
    const said = written || failure ? written : message(error);
    throw new Ended(
      cannotServe({ program: found.path, version: await version(found.path), written: said, failure, pip: await pipOf(found.path) }),
    );
  }
  process.served = true;
  return client;
}

function options(
  output: LogOutputChannel,
  process: ServerProcess,
  onEnd: (advice: Advice) => void,
): LanguageClientOptions {
  return {
    documentSelector: LANGUAGES.map((language) => ({ scheme: "file", language })),
    outputChannel: output,
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    initializationOptions: { ...workspace.getConfiguration("alloypy"), showReferences: "alloypy.showReferences" },
    synchronize: { configurationSection: "alloypy" },
    initializationFailedHandler: () => false, // `start` is rejected, and that is reported
    errorHandler: new Restarting(process, onEnd),
  };
}

/** Starts the server again when it ends, but not for ever, and not if it never served. */
class Restarting implements ErrorHandler {
  private readonly ends: number[] = [];

  constructor(
    private readonly process: ServerProcess,
    private readonly onEnd: (advice: Advice) => void,
  ) {}

  error() {
    return { action: ErrorAction.Continue };
  }

  closed() {
    const now = Date.now();
    this.ends.push(now);
    const recent = this.ends.filter((each) => now - each < RESTARTS_WITHIN_MS).length;
    if (this.process.served && recent <= RESTARTS) {
      return { action: CloseAction.Restart, handled: true };
    }
    if (this.process.served) {
      this.onEnd(endsAgainAndAgain(recent, RESTARTS_WITHIN_MS / 60_000, this.process.written));
    }
    return { action: CloseAction.DoNotRestart, handled: true };
  }
}

/** The process of the server; keeps the end of what it writes to stderr. */
class ServerProcess {
  served = false;
  /** The end of what it wrote to stderr. */
  written = "";
  /** Why it did not start, if it did not. */
  failure = "";
  private ended: Promise<void> = Promise.resolve();

  constructor(private readonly program: string) {}

  /** Resolved once it has ended and all that it wrote is read, or after a while. */
  async end(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, END_PATIENCE_MS);
    });
    await Promise.race([this.ended, late]);
    clearTimeout(timer);
  }

  async start(): Promise<ChildProcess> {
    const further = workspace.getConfiguration("alloypy").get<string[]>("arguments", []);
    const cwd = workspace.workspaceFolders?.find((folder) => folder.uri.scheme === "file")?.uri.fsPath;
    this.written = "";
    this.failure = "";
    const child = spawn(this.program, ["lsp", ...further], {
      ...(cwd === undefined ? {} : { cwd }),
      shell: /\.(?:cmd|bat)$/i.test(this.program),
    });
    this.ended = new Promise((resolve) => child.once("close", () => resolve()));
    // The client copies these lines to the output.
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.written = (this.written + text).slice(-KEPT_OF_STDERR);
    });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve).once("error", (error) => {
        this.failure = error.message;
        reject(error);
      });
    });
    return child;
  }
}

/** What `alloypy --version` says, or nothing. */
async function version(program: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, ["--version"], { timeout: 10_000 });
    return stdout.trim().split("\n")[0] ?? "";
  } catch {
    return "";
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

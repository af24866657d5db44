// Where the program `alloypy` is.

import { homedir } from "node:os";
import * as path from "node:path";
import { extensions, type Uri, workspace } from "vscode";
import { type Advice, notFound, wrongSetting } from "./explaining.cjs";
import { candidates, inEnvironments, inFolder, onPath, programAt } from "./locating.cjs";

const PYTHON_PATIENCE_MS = 5000;

/** A program, and how it was found, in words for people. */
export interface Found {
  readonly path: string;
  readonly how: string;
}

/** No program; the advice says where it was looked for. */
export class NotFound extends Error {
  constructor(readonly advice: Advice) {
    super(advice.text);
  }
}

/**
 * The program that the settings name; else the one in a virtual environment of the workspace, beside the
 * interpreter selected in the Python extension, or on PATH. Programs of a workspace are used only once it is
 * trusted.
 */
export async function find(): Promise<Found> {
  const wanted = workspace.getConfiguration("alloypy").get<string>("path", "").trim();
  if (wanted) {
    return named(wanted);
  }
  if (workspace.isTrusted) {
    const found = (await inWorkspace()) ?? (await besideInterpreter());
    if (found) {
      return found;
    }
  }
  const found = await onPath("alloypy", searched());
  if (found) {
    return { path: found, how: "on PATH" };
  }
  throw new NotFound(notFound(workspace.isTrusted));
}

async function named(wanted: string): Promise<Found> {
  const how = "named by the setting alloypy.path";
  for (const candidate of candidates(wanted, folderPaths(), homedir())) {
    const found = await programAt(candidate);
    if (found) {
      return { path: found, how };
    }
  }
  const found = path.basename(wanted) === wanted ? await onPath(wanted, searched()) : undefined;
  if (found) {
    return { path: found, how };
  }
  throw new NotFound(wrongSetting(wanted));
}

async function inWorkspace(): Promise<Found | undefined> {
  const found = await inEnvironments(folderPaths());
  return found && { path: found.path, how: `in ${found.environment} of the workspace` };
}

/** The part of the Python extension's interface that is used here. */
interface PythonEnvironments {
  getActiveEnvironmentPath(resource?: Uri): { readonly path: string };
  resolveEnvironment(
    environment: { readonly path: string },
  ): Promise<{ readonly executable: { readonly uri?: Uri } } | undefined>;
  readonly onDidChangeActiveEnvironmentPath: (listener: () => void) => { dispose(): void };
}

/** The Python extension's environments, where it is installed and ready in time. */
export async function pythonEnvironments(): Promise<PythonEnvironments | undefined> {
  const extension = extensions.getExtension<{ environments?: PythonEnvironments }>("ms-python.python");
  if (!extension) {
    return undefined;
  }
  try {
    return (await inTime(extension.activate()))?.environments;
  } catch {
    return undefined; // its own fault, which it reports itself
  }
}

async function besideInterpreter(): Promise<Found | undefined> {
  const environments = await pythonEnvironments();
  if (!environments) {
    return undefined;
  }
  try {
    const active = environments.getActiveEnvironmentPath(workspace.workspaceFolders?.[0]?.uri);
    const interpreter = (await inTime(environments.resolveEnvironment(active)))?.executable.uri?.fsPath;
    const found = interpreter && (await inFolder(path.dirname(interpreter)));
    return found ? { path: found, how: "beside the selected Python interpreter" } : undefined;
  } catch {
    return undefined;
  }
}

async function inTime<T>(work: PromiseLike<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), PYTHON_PATIENCE_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function searched(): string {
  return process.env["PATH"] ?? "";
}

function folderPaths(): string[] {
  const folders = workspace.workspaceFolders ?? [];
  return folders.filter((folder) => folder.uri.scheme === "file").map((folder) => folder.uri.fsPath);
}

// Where the program `alloypy` is.

import { access, constants } from "node:fs/promises";
import { homedir } from "node:os";
import * as path from "node:path";
import { extensions, Uri, workspace } from "vscode";

const WINDOWS = process.platform === "win32";
const NAMES = WINDOWS ? ["alloypy.exe", "alloypy.cmd", "alloypy.bat"] : ["alloypy"];
const PROGRAMS = WINDOWS ? "Scripts" : "bin";
const ENVIRONMENTS = [".venv", "venv"];
const PYTHON_PATIENCE_MS = 5000;

/** A program, and how it was found, in words for people. */
export interface Found {
  readonly path: string;
  readonly how: string;
}

/** No program; the message says where it was looked for. */
export class NotFound extends Error {}

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
    const found = (await inEnvironments()) ?? (await besideInterpreter());
    if (found) {
      return found;
    }
  }
  const found = await onPath("alloypy");
  if (found) {
    return { path: found, how: "on PATH" };
  }
  throw new NotFound("alloypy is not installed in the workspace's virtual environment, nor is it on PATH.");
}

async function named(wanted: string): Promise<Found> {
  const how = "named by the setting alloypy.path";
  for (const candidate of expanded(wanted)) {
    if (await runs(candidate)) {
      return { path: candidate, how };
    }
  }
  const found = path.basename(wanted) === wanted ? await onPath(wanted) : undefined;
  if (found) {
    return { path: found, how };
  }
  throw new NotFound(`The setting alloypy.path names ${wanted}, which is not a program.`);
}

function* expanded(wanted: string): Generator<string> {
  const home = wanted.replace(/^~(?=$|[\\/])/, homedir());
  const folders = folderPaths();
  if (home.includes("${workspaceFolder}")) {
    for (const folder of folders) {
      yield path.normalize(home.replaceAll("${workspaceFolder}", folder));
    }
  } else if (path.isAbsolute(home)) {
    yield home;
  } else if (path.basename(home) !== home) {
    for (const folder of folders) {
      yield path.join(folder, home);
    }
  }
}

async function inEnvironments(): Promise<Found | undefined> {
  for (const folder of folderPaths()) {
    for (const environment of ENVIRONMENTS) {
      const found = await inFolder(path.join(folder, environment, PROGRAMS));
      if (found) {
        return { path: found, how: `in ${environment} of the workspace` };
      }
    }
  }
  return undefined;
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

async function onPath(name: string): Promise<string | undefined> {
  // Not relative ones: they would be relative to the workspace.
  const folders = (process.env["PATH"] ?? "").split(path.delimiter).filter((each) => path.isAbsolute(each));
  for (const folder of folders) {
    const found = name === "alloypy" ? await inFolder(folder) : await inFolder(folder, [name]);
    if (found) {
      return found;
    }
  }
  return undefined;
}

async function inFolder(folder: string, names = NAMES): Promise<string | undefined> {
  for (const name of names) {
    const candidate = path.join(folder, name);
    if (await runs(candidate)) {
      return candidate;
    }
  }
  return undefined;
}

async function runs(candidate: string): Promise<boolean> {
  try {
    await access(candidate, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function folderPaths(): string[] {
  const folders = workspace.workspaceFolders ?? [];
  return folders.filter((folder) => folder.uri.scheme === "file").map((folder) => folder.uri.fsPath);
}

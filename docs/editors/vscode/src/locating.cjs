// Where the program `alloypy` can be in a folder, and what the setting `alloypy.path` names. It knows no editor, so
// that it is tested without one.

const { constants } = require("node:fs");
const { access, realpath, stat } = require("node:fs/promises");
const path = require("node:path");

const WINDOWS = process.platform === "win32";
const NAMES = WINDOWS ? ["alloypy.exe", "alloypy.cmd", "alloypy.bat"] : ["alloypy"];
const PROGRAMS = WINDOWS ? "Scripts" : "bin";
const ENVIRONMENTS = [".venv", "venv"];
const INTERPRETER = /^(?:python|pypy)[\d.]*(?:\.exe)?$/i;

/**
 * The paths that the setting can mean, in order: `~` is the home, `${workspaceFolder}` and a relative path are
 * of each folder of the workspace. Nothing for a bare name, which is looked for on PATH.
 * @param {string} wanted
 * @param {readonly string[]} folders
 * @param {string} home
 * @returns {string[]}
 */
function candidates(wanted, folders, home) {
  const full = wanted.replace(/^~(?=$|[\\/])/, () => home);
  if (full.includes("${workspaceFolder}")) {
    return folders.map((folder) => path.normalize(full.replaceAll("${workspaceFolder}", () => folder)));
  }
  if (path.isAbsolute(full)) {
    return [full];
  }
  return path.basename(full) === full ? [] : folders.map((folder) => path.join(folder, full));
}

/**
 * The program that a path names: itself; for the interpreter of an environment, the alloypy beside it; for the
 * folder of an environment or of its programs, the alloypy in there.
 * @param {string} named
 * @returns {Promise<string | undefined>}
 */
async function programAt(named) {
  if (INTERPRETER.test(path.basename(named))) {
    return inFolder(path.dirname(named));
  }
  if (await runs(named)) {
    return named;
  }
  return (await inFolder(named)) ?? (await inFolder(path.join(named, PROGRAMS)));
}

/**
 * The first program in a virtual environment of the folders, and the environment's name.
 * @param {readonly string[]} folders
 * @returns {Promise<{ path: string, environment: string } | undefined>}
 */
async function inEnvironments(folders) {
  for (const folder of folders) {
    for (const environment of ENVIRONMENTS) {
      const found = await inFolder(path.join(folder, environment, PROGRAMS));
      if (found) {
        return { path: found, environment };
      }
    }
  }
  return undefined;
}

/**
 * @param {string} name
 * @param {string} searched the value of PATH; relative folders in it would be relative to the workspace, and are left out
 * @returns {Promise<string | undefined>}
 */
async function onPath(name, searched) {
  const names = name === "alloypy" ? NAMES : [name];
  for (const folder of searched.split(path.delimiter).filter((each) => path.isAbsolute(each))) {
    const found = await inFolder(folder, names);
    if (found) {
      return found;
    }
  }
  return undefined;
}

/**
 * @param {string} folder
 * @param {readonly string[]} names
 * @returns {Promise<string | undefined>}
 */
async function inFolder(folder, names = NAMES) {
  for (const name of names) {
    const candidate = path.join(folder, name);
    if (await runs(candidate)) {
      return candidate;
    }
  }
  return undefined;
}

/**
 * What installs packages in the environment of a program, if it has that.
 * @param {string} program
 * @returns {Promise<string | undefined>}
 */
async function pipOf(program) {
  const real = await realpath(program).catch(() => program);
  return inFolder(path.dirname(real), WINDOWS ? ["pip.exe"] : ["pip"]);
}

/**
 * @param {string} candidate
 * @returns {Promise<boolean>}
 */
async function runs(candidate) {
  try {
    await access(candidate, constants.X_OK);
    return (await stat(candidate)).isFile();
  } catch {
    return false;
  }
}

module.exports = { candidates, programAt, inEnvironments, onPath, inFolder, pipOf };

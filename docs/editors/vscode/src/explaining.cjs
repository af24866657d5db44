// What a person is told where the language server cannot be started: what is wrong, and what to do. It knows no
// editor, so that it is tested without one.

const path = require("node:path");

const PACKAGE = "'alloypy[lsp]'";

/**
 * @typedef {"copy" | "settings" | "output" | "restart"} Answer a button
 * @typedef {{ text: string, answers: Answer[], command?: string }} Advice command: what "copy" copies
 * @typedef {{ program: string, version: string, written: string, failure: string, pip: string | undefined }} End
 *   written: all of stderr; failure: the error of starting the process, if it did not start; pip: the program
 *   beside it that installs packages in its environment
 */

/**
 * @param {boolean} trusted whether programs of the workspace may be used
 * @returns {Advice}
 */
function notFound(trusted) {
  const command = `pip install ${PACKAGE}`;
  if (!trusted) {
    const text =
      "alloypy is not on PATH. Trust this workspace, so that its virtual environment is searched too, " +
      `or install alloypy with: ${command}`;
    return { text, answers: ["copy", "settings"], command };
  }
  const text =
    "alloypy is not in the workspace's .venv or venv, nor beside the selected Python interpreter, nor on PATH. " +
    `Install it in one of these with: ${command}`;
  return { text, answers: ["copy", "settings"], command };
}

/**
 * @param {string} wanted the value of the setting `alloypy.path`
 * @returns {Advice}
 */
function wrongSetting(wanted) {
  const text =
    `The setting alloypy.path is ${wanted}, but there is no alloypy. Correct the setting, or clear it: ` +
    "alloypy is then looked for in the workspace and on PATH.";
  return { text, answers: ["settings"] };
}

/**
 * A server that ended before it served.
 * @param {End} end
 * @returns {Advice}
 */
function cannotServe({ program, version, written, failure, pip }) {
  const install = pip === undefined ? "pip install" : `${quoted(pip)} install`;
  const named = version ? `${program} (${version})` : program;
  if (/needs further packages/.test(written)) {
    const command = `${install} ${PACKAGE}`;
    return {
      text: `${program} lacks the packages of the language server. Install them with: ${command}`,
      answers: ["copy", "settings"],
      command,
    };
  }
  if (/unknown command "lsp"/.test(written)) {
    const command = `${install} --upgrade ${PACKAGE}`;
    return {
      text: `${named} is too old to serve editors. Upgrade it with: ${command}`,
      answers: ["copy", "settings"],
      command,
    };
  }
  if (/\bENOENT\b/.test(failure)) {
    const environment = path.dirname(path.dirname(program));
    return {
      text:
        `${program} cannot be started: the Python that its first line names does not exist. If ${environment} is a ` +
        `virtual environment that was moved or whose Python was removed, create it again and install ${PACKAGE} in it.`,
      answers: ["settings", "output"],
    };
  }
  if (failure) {
    return { text: `${program} cannot be started: ${failure}`, answers: ["settings", "output"] };
  }
  const last = lastLine(written);
  return {
    text: `${named} ended without serving the editor${last ? `. It last wrote: ${last}` : "."}`,
    answers: ["output", "restart", "settings"],
  };
}

/**
 * A server that served, and ended so often that it is not started again.
 * @param {number} times
 * @param {number} minutes
 * @param {string} written the end of stderr
 * @returns {Advice}
 */
function endsAgainAndAgain(times, minutes, written) {
  const last = lastLine(written);
  const text =
    `The language server of alloypy ended ${times} times within ${minutes} minutes, so it is not started again` +
    (last ? `. It last wrote: ${last}` : ".");
  return { text, answers: ["restart", "output"] };
}

/** @param {string} written */
function lastLine(written) {
  return written.trim().split("\n").at(-1)?.trim() ?? "";
}

/** @param {string} program */
function quoted(program) {
  return /\s/.test(program) ? `"${program}"` : program;
}

module.exports = { notFound, wrongSetting, cannotServe, endsAgainAndAgain };

/** The command line that finishes an interrupted run. */

/** The folder of the database, unless `--data` names another one. */
export const defaultData = './data'

/** @example resumeCommand(run.id, './data') // 'npm start -- --resume 01m8…' */
export const resumeCommand = (run: string, data: string): string =>
  `npm start -- --resume ${run}${data === defaultData ? '' : ` --data ${quoted(data)}`}`

/** A shell reads a path with spaces and other signs as one word only in quotation marks. */
const quoted = (path: string): string => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`)

/**
 * The code of the evaluator's thread. The build of the package puts it here, for programs of one file, which have no file
 * for the thread. Compiled files have none.
 */
export const evaluatorCode: string | undefined = undefined

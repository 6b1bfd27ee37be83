/**
 * What the person who started the program gave cannot be used: a folder that is missing, empty or unreadable.
 * The message is one clear sentence for that person; the command line ends with exit code 2.
 */
export class InputError extends Error {
  override readonly name = 'InputError'
}

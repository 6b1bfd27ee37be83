/** Codes of the command line: problems before a troupe is opened, and of the server that it calls. */
import type { CatalogueEntry } from '../catalogue-entry.ts'
import * as errors from '../troupe-error.ts'

export const cliCodes = {
  'command.failed': {
    class: errors.ProcessingError,
    message: 'The command failed: {problem}.',
    hint: 'Add --debug for its causes and stacks.',
  },
  'command.misused': {
    class: errors.ValidationError,
    message: 'The command is invalid: {problem}.',
    hint: 'Add --help to see its options.',
  },
  'config.wrong': {
    class: errors.ValidationError,
    message: 'The configuration has several problems: {problems}.',
    hint: 'Correct each listed problem, and check the configuration with `troupe doctor`.',
  },
  'output.unwritten': {
    class: errors.ExternalServiceError,
    message: 'Standard output cannot be written: {problem}.',
    hint: 'The output of the command is incomplete.',
  },
  'server.unknown': {
    class: errors.ExternalServiceError,
    message: 'The server answered {request} with the status {status} and no explanation.',
    hint: 'Check that the URL belongs to a Troupe server of this release.',
  },
  'init.unpacked': {
    class: errors.ExternalServiceError,
    message: 'The library could not be packed into {folder} by npm: {problem}.',
    hint: 'Install npm 11 or newer, and run troupe init again.',
  },
  'server.unreachable': {
    class: errors.ExternalServiceError,
    message: '{server} cannot be reached: {problem}.',
    hint: 'Start the server with `troupe serve`, or correct --url or TROUPE_URL.',
  },
  'storage.missing': {
    class: errors.NotFoundError,
    message: 'There is no database at {path}.',
    hint: 'Start a run or a server, or run `troupe migrate`, to create it.',
  },
} as const satisfies Record<string, CatalogueEntry>

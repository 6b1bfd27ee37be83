import { expect, it } from 'vitest'
import { catalogue, failure, TroupeError } from '../core/index.ts'
import { CliError, complaintOf, exitCodes, misused, withOptionName } from './exit-codes.ts'
import { unwritable } from './unwritable.ts'

it('Every failure of a command says what to do, also one that was thrown without a hint.', () => {
  const codes = Object.keys(catalogue)
  const bare = codes.map((code) => new TroupeError('It failed.', { code }))
  const thrown = [...bare, new Error('It failed.'), 'a text', null, undefined]
  for (const error of thrown) expect(complaintOf(error).hint, JSON.stringify(error)).not.toMatch(/^.{0,9}$|\{\w+\}/)
  const own = [new CliError('It failed.', { exit: exitCodes.failed }), misused('It is misused.')]
  expect(own.map((error) => complaintOf(error).hint)).toEqual([
    'Add --debug for its causes and stacks.',
    'Add --help to see its options.',
  ])
  const wrong = new CliError('The configuration has 2 problems.', { exit: exitCodes.usage, code: 'config.wrong' })
  expect(complaintOf(wrong).hint).toContain('troupe doctor')
})

it('A backup that cannot be written has the exit code of other files that cannot be written.', () => {
  const exitOf = (code: 'backup.disk_full' | 'backup.unwritable') =>
    complaintOf(failure(code, { path: 'monday', problem: 'EACCES' })).exit
  expect(exitOf('backup.disk_full')).toBe(unwritable('tree.jsonl', 'ENOSPC').exit)
  expect(exitOf('backup.unwritable')).toBe(unwritable('tree.jsonl', 'EACCES').exit)
})

it('A hint of the command line names no route and no function, where the server and the library would.', () => {
  const invalid = new TroupeError('The request is invalid.', {
    code: 'request.invalid',
    hint: catalogue['request.invalid'].hint,
  })
  expect(complaintOf(invalid).hint).toBe('Add --help to see its options.')
  for (const code of ['run.unknown', 'experiment.unknown', 'thread.unknown'] as const)
    expect(complaintOf(new TroupeError('It is missing.', { code })).hint).toMatch(/^List the \w+ to find its id\./)
})

it('An error of the command line names the option that was wrong, and the field of the request where there is no such option.', () => {
  const message = 'The request is invalid: query/minCost: it must be one of a, b.'
  expect(withOptionName(message, ['usage', '--min-cost', 'x'])).toBe('--min-cost is not valid: it must be one of a, b.')
  expect(withOptionName(message, ['usage', '--min-cost=x'])).toBe('--min-cost is not valid: it must be one of a, b.')
  expect(withOptionName(message, ['usage'])).toBe(message)
})

import { expect, it } from 'vitest'
import { unwritable } from './unwritable.ts'

it.each([
  ['ENOSPC: no space left on device, write', 1, /^Free some space/],
  ['EACCES: permission denied, open', 2, /may create files/],
  ['EROFS: read-only file system, mkdir', 2, /may create files/],
  ['EEXIST: file already exists, open', 2, /^Name a new file/],
  ['ENOTDIR: not a directory, mkdir', 2, /^Choose another folder/],
])('A command that cannot write a file because of %s exits with %i and says what to do.', (problem, exit, hint) => {
  expect(unwritable('new/package.json', problem)).toMatchObject({
    message: `new/package.json cannot be written: ${problem}.`,
    exit,
    hint: expect.stringMatching(hint),
  })
})

/** A process that is killed while a run handles pictures and executes code ends the run as if it had not been killed. */
import { expect, test } from 'vitest'
import { childrenOf, every } from './start-child.ts'

/** The storage has the content as JSON. */
const file = (path: string, version: number, text: string) =>
  expect.objectContaining({ path, version, content: expect.stringContaining(`\\"${text}\\"`) }) as object

const { start, linesOf } = childrenOf('pictures-and-code-child.ts')

test('A run with pictures and code that is killed at any commit or execution has the prompts, result and files of one that is not.', {
  timeout: 1_200_000,
}, () => {
  const calm = start('calm', false)
  expect([calm.signal, calm.stderr]).toEqual([null, ''])
  expect(JSON.parse(calm.output)).toEqual({
    status: 'completed',
    text: 'The prompt has the picture: true.',
    stdout: 'third\n',
    pictures: [true, true],
    identical: true,
    blobs: { found: 1, bytes: 533_334 },
    files: [
      file('a.txt', 1, 'one'),
      file('a.txt', 2, 'one two'),
      file('a.txt', 3, 'one three'),
      file('b.txt', 1, 'one three four'),
    ],
  })
  const lines = linesOf('calm')
  expect(new Set(lines).size).toBe(lines.length)
  let at = 0
  for (let isOver = false; !isOver; at += every) {
    const name = `killed-${at}`
    isOver = start(name, at).signal !== 'SIGKILL'
    if (!isOver) expect([at, start(name, false)]).toEqual([at, calm])
    const all = linesOf(name)
    // A turn that was not committed is repeated: at most one model call and the call of its tool.
    expect([at, [...new Set(all)]]).toEqual([at, lines])
    expect(all.length - lines.length).toBeLessThanOrEqual(2)
  }
  expect(at).toBeGreaterThan(20)
  const kills = [3, 6, 9, 12]
  for (const kill of kills) expect([kill, start('repeatedly', kill).signal]).toEqual([kill, 'SIGKILL'])
  expect(start('repeatedly', false)).toEqual(calm)
  expect([...new Set(linesOf('repeatedly'))]).toEqual(lines)
  expect(linesOf('repeatedly').length - lines.length).toBeLessThanOrEqual(2 * kills.length)
})

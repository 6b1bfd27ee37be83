/** A process is killed at each commit of a run that uses a handle: the handle stands for the same value afterwards. */
import { expect, test } from 'vitest'
import { childrenOf, every } from './start-child.ts'

const { start, linesOf } = childrenOf('handle-child.ts')
const after = (lines: readonly string[], start: string) =>
  new Set(lines.filter((line) => line.startsWith(start)).map((line) => line.slice(start.length)))

test('A handle resolves to the same value after its process was killed at any commit, and the planner never reads the value.', {
  timeout: 1_200_000,
}, () => {
  const calm = start('calm', false)
  expect([calm.signal, calm.stderr]).toEqual([null, ''])
  expect(JSON.parse(calm.output)).toMatchObject({ status: 'completed', response: 'Sent.', identical: true })
  let at = 0
  for (let isOver = false; !isOver; at += every) {
    const name = `killed-${at}`
    isOver = start(name, at).signal !== 'SIGKILL'
    const recovered = isOver ? calm : start(name, false)
    expect([at, recovered.output]).toEqual([at, calm.output])
    const lines = linesOf(name)
    expect(lines.filter((line) => line.startsWith('wrong'))).toEqual([])
    // One handle and one value, whichever process resolves the handle, and however often the letter was read.
    expect([at, after(lines, 'handle ').size, after(lines, 'note ').size]).toEqual([at, 1, 1])
    const [value] = after(lines, 'note ')
    expect([...after(lines, 'send ')]).toEqual([`It says: ${value}`])
    expect([...after(lines, 'read ')]).toContain(value)
  }
  expect(at).toBeGreaterThan(10)
})

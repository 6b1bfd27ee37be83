/** A process is killed at each commit of runs that continue threads: their messages are those of a process that was not. */
import { expect, test } from 'vitest'
import { childrenOf, every } from './start-child.ts'

const { start } = childrenOf('thread-child.ts')

test('A thread has each message once, in order, after a process was killed at any commit of the runs that continue it.', {
  timeout: 1_200_000,
}, () => {
  const calm = start('calm', false)
  expect([calm.signal, calm.stderr]).toEqual([null, ''])
  const turn = (id: string, ...answers: readonly string[]) => ({
    turns: 2,
    messages: answers.flatMap((answer, i) => [
      ['user', `task ${i + 1}`, `${id}-${i + 1}`],
      ['assistant', answer, `${id}-${i + 1}`],
    ]),
  })
  expect(JSON.parse(calm.output)).toEqual({
    threads: [turn('alone', 'answer to message 1', 'answer to message 3'), turn('together', '0 BEFORE', '2 BEFORE')],
    identical: [true, true, true, true],
  })
  let at = 0
  for (let isOver = false; !isOver; at += every) {
    const name = `killed-${at}`
    isOver = start(name, at).signal !== 'SIGKILL'
    const recovered = isOver ? calm : start(name, false)
    expect([at, recovered.output]).toEqual([at, calm.output])
  }
  expect(at).toBeGreaterThan(10)
})

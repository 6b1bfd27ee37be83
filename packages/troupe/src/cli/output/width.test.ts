import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { Output, type Streams } from './output.ts'
import { RunTree } from './run-tree.ts'
import { padded, truncated, widthOf } from './width.ts'

describe('letters that take two columns', () => {
  it('Wide characters count as two columns, and combining signs as none.', () => {
    expect(['名前', '🙂', 'e\u0301', 'abc'].map(widthOf)).toEqual([4, 2, 1, 3])
    expect(padded('名前', 6)).toBe('名前  ')
    expect(truncated('名前のエージェント', 8)).toBe('名前の…')
    expect(truncated('名前のエージェント', 7)).toBe('名前の…')
    expect(truncated('abc', 3)).toBe('abc')
  })

  it('Wide characters are redrawn over their whole width, and align in tables.', () => {
    const tree = new RunTree()
    tree.add({ seq: 1, type: 'step.started', at: 0, step: '1#1', agent: '名前のとても長いエージェント🙂' })
    for (const line of tree.draw(24, 10)) expect(widthOf(line)).toBeLessThan(24)
    const stream = new PassThrough({ encoding: 'utf8' })
    const streams = { out: stream, error: stream } as unknown as Streams
    const rows = [
      { name: '名前', of: 'x' },
      { name: 'Echo', of: 'y' },
    ]
    const columns = [
      { name: 'AGENT', of: (row: (typeof rows)[number]) => row.name },
      { name: 'OF', of: (row: (typeof rows)[number]) => row.of },
    ]
    new Output(streams, false).table(rows, columns, 'none')
    expect(String(stream.read()).split('\n').slice(1, 3)).toEqual(['名前   x', 'Echo   y'])
  })
})

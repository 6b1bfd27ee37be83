import { describe, expect, it } from 'vitest'
import { parseDataset } from './parse-dataset.ts'

interface Rejection {
  readonly code: string
  readonly message: string
  readonly details: { readonly problems: readonly { readonly line: number; readonly problem: string }[] }
}
function rejected(work: () => unknown): Rejection {
  try {
    work()
  } catch (error) {
    return error as Rejection
  }
  throw new Error('The work did not throw.')
}
const lines = (...values: readonly unknown[]) => values.map((value) => JSON.stringify(value)).join('\n')

describe('parseDataset', () => {
  it('parseDataset reads one case from each line, and skips blank lines.', () => {
    const text = `\uFEFF{"input":"What is 2 + 2?","expected":4}\r\n\n  \n{"id":"tea","input":{"of":"tea"},"labels":{"tone":"pass","points":2},"tags":["shop"]}\n`
    expect(parseDataset('sums', text)).toMatchObject({
      name: 'sums',
      cases: [
        { id: '1', input: 'What is 2 + 2?', expected: 4, tags: [] },
        { id: 'tea', input: { of: 'tea' }, labels: { tone: 'pass', points: 2 }, tags: ['shop'] },
      ],
    })
  })

  it('parseDataset gives equal content the same version, and other content another.', () => {
    const version = (text: string) => parseDataset('d', text).version
    const first = version('{"input":1,"expected":{"a":1,"b":2}}\n{"input":2}')
    expect(first).toMatch(/^[0-9a-f]{64}$/)
    expect(version('{ "expected": { "b": 2, "a": 1 }, "input": 1 }\r\n{"input":2}\n')).toBe(first)
    expect(parseDataset('other name', '{"input":1,"expected":{"a":1,"b":2}}\n{"input":2}').version).toBe(first)
    expect(version('{"input":1,"expected":{"a":1,"b":3}}\n{"input":2}')).not.toBe(first)
    expect(version('{"id":"2","input":2}\n{"id":"1","input":1,"expected":{"a":1,"b":2}}')).not.toBe(first)
  })

  it('parseDataset names each wrong line with its number.', () => {
    const text = [
      '{"input":1}',
      '{"input":',
      '[1]',
      '',
      '{"expected":1}',
      '{"input":1,"expcted":2}',
      '{"input":1,"id":" "}',
      '{"input":1,"id":7}',
      '{"input":1,"labels":{"tone":true}}',
      '{"input":1,"labels":["pass"]}',
      '{"input":1,"tags":"shop"}',
      '{"input":1,"id":"1"}',
    ].join('\n')
    const error = rejected(() => parseDataset('wrong', text))
    expect(error.code).toBe('dataset.invalid')
    expect(error.message).toContain('The data set wrong is invalid at line 2: it is not JSON')
    expect(error.message).toContain('; also at line 3, 5, 6, 7, 8, 9, 10, 11, 12.')
    expect(error.details.problems.map(({ line, problem }) => `${line}: ${problem}`)).toEqual([
      expect.stringContaining('2: it is not JSON'),
      expect.stringContaining('3: it must be an object'),
      '5: input is missing',
      '6: the field expcted is unknown; did you mean expected?',
      expect.stringContaining('7: id must be'),
      expect.stringContaining('8: id must be'),
      expect.stringContaining('9: labels.tone must be a text or a number'),
      expect.stringContaining('10: labels must be an object'),
      expect.stringContaining('11: tags must be a list'),
      '12: the id 1 is that of line 1',
    ])
  })

  it('parseDataset rejects a text without a case, too many cases, and a name of spaces.', () => {
    expect(() => parseDataset('none', '\n \n')).toThrow(/no case/)
    expect(() => parseDataset('many', lines(...Array.from({ length: 10_001 }, (_, i) => ({ input: i }))))).toThrow(
      /at line 10001: it has more than 10000 cases/,
    )
    expect(() => parseDataset(' ', '{"input":1}')).toThrow(/The name of a data set/)
    expect(() => parseDataset('wrong', lines(...Array.from({ length: 25 }, () => 1)))).toThrow(
      /also at line 2, .* 11, 14 more/,
    )
  })
})

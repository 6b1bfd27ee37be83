import { applyPatch } from 'diff'
import { expect, it } from 'vitest'
import { unifiedDiff } from './unified-diff.ts'

const lines = (prefix: string, end: string) =>
  Array.from({ length: 20_000 }, (_, i) => `${prefix}${i}`).join('\n') + end

it('A diff of files that differ in each of many lines is made at once, and replaces all lines.', async () => {
  for (const [from, to] of [
    [lines('a', '\n'), lines('b', '')],
    [lines('a', ''), `${lines('b', '')}\nmore\n`],
  ] as const) {
    const before = process.threadCpuUsage()
    const diff = await unifiedDiff('a.txt', from, to)
    expect(process.threadCpuUsage(before).user / 1e6).toBeLessThan(5)
    expect(diff).toContain('--- a/a.txt\n+++ b/a.txt\n')
    expect(applyPatch(from, diff)).toBe(to)
  }
})

it('A diff of files that differ in few lines has these lines alone.', async () => {
  const diff = await unifiedDiff('a.txt', lines('a', ''), lines('a', '').replace('a7\n', 'b7\n'))
  expect(diff.split('\n').filter((line) => /^[-+][ab]/.test(line))).toEqual(['-a7', '+b7'])
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TaintLabel } from '../../core/index.ts'
import { Handles } from './handles.ts'
import { holdsCopy, KnownTexts } from './known-texts.ts'

const web: readonly TaintLabel[] = ['untrusted:web']
const words = fc.constantFrom(
  'boss@office.test',
  'eve@evil.test',
  'pay',
  '9000',
  'DE-1',
  'to',
  'a',
  '"',
  ',',
  '. ',
  ' ',
  '-',
  '@',
)
const text = fc.array(words, { maxLength: 12 }).map((parts) => parts.join(''))

describe('A value that a model wrote', () => {
  it('A value that a model wrote lacks a label only if it is a part of a text from before the label.', () => {
    fc.assert(
      fc.property(text, text, fc.nat(60), fc.nat(20), (trusted, untrusted, from, length) => {
        const texts = new KnownTexts()
        texts.learn({ trusted }, [])
        texts.learn(untrusted, web)
        const value = `${trusted}${untrusted}`.slice(from, from + length)
        const [{ labels = [] } = {}] = texts.labelsOf(value, web)
        if (labels.length > 0) return
        expect(trusted.includes(value)).toBe(true)
        expect(value.length).toBeGreaterThanOrEqual(4)
      }),
      { numRuns: 1_000 },
    )
  })

  it('A value that a model wrote has all labels if it is short, empty, a boolean, or under an unknown name.', () => {
    const texts = new KnownTexts()
    texts.learn('yes 123 true null known 90417', [])
    texts.learnNames({ properties: { to: { properties: { inner: {} } } } })
    const untrusted = (args: object) =>
      texts.labelsOf(args as never, web).flatMap(({ path, labels }) => (labels.length > 0 ? [path.join('.')] : []))
    expect(untrusted({ to: 'yes' })).toEqual(['to'])
    expect(untrusted({ to: 123 })).toEqual(['to'])
    expect(untrusted({ to: true })).toEqual(['to'])
    expect(untrusted({ to: [] })).toEqual(['to'])
    expect(untrusted({ to: { secret: 'known' } })).toEqual(['to'])
    expect(untrusted({ to: { inner: ['known', 90_417] } })).toEqual([])
  })

  it('A value that a model wrote has the labels of the time of its source, and those of a handle.', () => {
    const texts = new KnownTexts()
    const both: readonly TaintLabel[] = ['sensitive:payroll', 'untrusted:web']
    texts.learn('bob earns 90417', ['sensitive:payroll'])
    texts.learn('eve@evil.test', both)
    const handles = new Handles(() => 0.5)
    const handle = handles.hide('x', ['untrusted:mail'])
    const labels = texts.labelsOf({ a: '90417', b: 'eve@evil.test', c: handle }, both, handles)
    expect(
      Object.fromEntries(labels.filter(({ path }) => path.length > 0).map((one) => [one.path[0], one.labels])),
    ).toEqual({
      a: ['sensitive:payroll'],
      b: both,
      c: ['untrusted:mail'],
    })
  })

  it.each([
    ['Send it to boss@office.test.', 'boss@office.test', true],
    ['{"to":"boss@office.test"}', 'boss@office.test', true],
    ['boss@office.test.evil', 'boss@office.test', false],
    ['notboss@office.test', 'boss@office.test', false],
    ['x-boss@office.test', 'boss@office.test', false],
    ['2026-01-30', '2026', false],
  ])('A copy is searched in %s for %s: %s.', (source, value, expected) => {
    expect(holdsCopy(source, value)).toBe(expected)
  })
})

it('A handle is resolved in values and texts, and an unknown handle is named.', () => {
  const handles = new Handles(() => 0.25)
  const handle = handles.hide({ a: 1 }, web)
  const forged = `handle:${'0'.repeat(32)}`
  expect(handles.resolve({ all: handle, part: `see ${handle}!`, list: [forged] })).toEqual({
    value: { all: { a: 1 }, part: 'see {"a":1}!', list: [forged] },
    labelled: [
      { path: ['all'], labels: web },
      { path: ['part'], labels: web },
    ],
    unknown: [forged],
  })
})

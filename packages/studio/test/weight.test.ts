/** What the first load of the page weighs, and whether its colours can be read: of the built files. */
import { readdirSync, readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'

const built = new URL('../../troupe/studio/', import.meta.url)
const index = readFileSync(new URL('index.html', built), 'utf8')
const gzippedBytes = (path: string) => gzipSync(readFileSync(new URL(path, built))).length
/** What the page loads before anything is looked at. */
const first = (ending: string) =>
  [...index.matchAll(/(?:src|href)="\/([^"]+)"/g)]
    .map(([, path]) => path as string)
    .filter((path) => path.endsWith(ending))

describe('The first load of the studio', () => {
  it('The script of the studio is below 170 kB gzipped, and the views of a run load with the first run.', () => {
    const loaded = first('.js')
    expect(loaded.length).toBeGreaterThan(0)
    expect(loaded.reduce((sum, path) => sum + gzippedBytes(path), 0)).toBeLessThan(170_000)
    const later = readdirSync(new URL('assets/', built)).filter((name) => !loaded.includes(`assets/${name}`))
    expect(later.filter((name) => /^run-.*\.js$/.test(name))).toHaveLength(1)
    expect(later.filter((name) => /^runs-.*\.js$/.test(name))).toHaveLength(1)
  })

  it('The style is below 15 kB, gzipped.', () => {
    expect(first('.css').length).toBeGreaterThan(0)
    expect(first('.css').reduce((sum, path) => sum + gzippedBytes(path), 0)).toBeLessThan(15_000)
  })
})

describe('The colours of the studio', () => {
  const style = readFileSync(new URL('../src/parts/ui.css', import.meta.url), 'utf8')
  const colours = new Map(
    [...style.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g)].map(([, name, light, dark]) => [
      name as string,
      [light as string, dark as string] as const,
    ]),
  )
  const colour = (name: string) => colours.get(name) ?? expect.fail(`--${name} is not a colour of the style sheet`)
  /** Of WCAG 2.2. */
  const luminance = (hex: string) =>
    [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
      const part = Number.parseInt(hex.slice(1 + 2 * i, 3 + 2 * i), 16) / 255
      return sum + weight * (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    }, 0)
  const contrast = (a: string, b: string) => {
    const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y)
    return (high + 0.05) / (low + 0.05)
  }

  it.each([
    ['ink', ['page', 'panel', 'sunken', 'hover']],
    ['ink-2', ['page', 'panel', 'sunken', 'hover']],
    ['ink-3', ['page', 'panel', 'sunken', 'hover']],
    ['live', ['page', 'panel', 'live-ground']],
    ['ask', ['ask-ground']],
    ['unsure', ['unsure-ground']],
    ['fail', ['panel', 'hover', 'fail-ground']],
    ['good', ['good-ground']],
    ['code-word', ['panel']],
    ['code-text', ['panel']],
    ['code-value', ['panel']],
    ['code-name', ['panel']],
  ] as const)('The studio text colour --%s is readable on its backgrounds, in light and in dark.', (text, grounds) => {
    for (const ground of grounds)
      for (const theme of [0, 1] as const)
        expect(contrast(colour(text)[theme], colour(ground)[theme]), `${text} on ${ground}`).toBeGreaterThan(4.5)
  })

  it.each(['mark', 'live-fill', 'ask-fill', 'fail-fill', 'unsure-fill'])(
    'The studio colour --%s is visible on panels, in light and in dark.',
    (name) => {
      for (const theme of [0, 1] as const)
        expect(contrast(colour(name)[theme], colour('panel')[theme])).toBeGreaterThan(3)
    },
  )
})

/** How a process ends: told twice, or by what nobody caught. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

async function live(how: string, act: (child: ReturnType<typeof spawn>, out: () => string) => void) {
  const child = spawn(process.execPath, ['--no-warnings', join(import.meta.dirname, 'signals-child.ts'), how])
  let out = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      out += text
      act(child, () => out)
    })
  const code = await new Promise<number | string | null>((resolve) =>
    child.once('close', (status, by) => resolve(status ?? by)),
  )
  return { code, out }
}

describe('a process', () => {
  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('A process that gets %s twice ends at once.', async (signal, code) => {
    const seen = new Set<string>()
    const once = (child: ReturnType<typeof spawn>, what: string) => {
      if (seen.has(what)) return
      seen.add(what)
      child.kill(signal)
    }
    const ended = await live('slow', (child, out) => {
      if (out().includes('ready')) once(child, 'first')
      if (out().includes('closing')) once(child, 'second')
    })
    expect(ended.code).toBe(code)
    expect(ended.out).not.toContain('came to its end')
  })

  test.each(['uncaught', 'rejection'])(
    'A process with an unhandled error (%s) reports it, drains and fails.',
    async (how) => {
      const { code, out } = await live(how, () => {})
      expect(code).toBe(1)
      expect(out).toContain('fatal')
      expect(out).toContain('a defect of the host')
      expect(out).toContain('came to its end')
      expect(out).toContain('closing')
    },
  )
})

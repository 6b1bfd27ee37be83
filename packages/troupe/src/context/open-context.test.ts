import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createTroupe } from '../startup/index.ts'
import { openContext } from './open-context.ts'

function fileUrl(): string {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-context-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return `sqlite:${join(folder, 'context.db')}`
}

describe('openContext', () => {
  it('openContext rejects a pause between cleanups of less than a second.', async () => {
    for (const cleanup of ['0s', '999ms'] as const)
      await expect(openContext('memory:', { cleanup })).rejects.toThrow(/openContext.cleanup .*at least 1s/)
  })
  it('An opened context gives each agent the entries that its audience and role allow.', async () => {
    await using mesh = await openContext('memory:')
    const support = mesh.agent('ada', 'Support')
    await support.push('shared', { paid: true })
    await support.push('private', 1, { audience: 'owner' })
    const reader = mesh.agent('ada', 'Reader', { role: 'readonly' })
    expect(await reader.get('shared')).toEqual({ paid: true })
    expect(await reader.get('private')).toBeUndefined()
    await expect(reader.push('shared', 2)).rejects.toMatchObject({ code: 'access.denied' })
    expect(await mesh.context('ada').size()).toBe(2)
    expect(await mesh.context('bob').size()).toBe(0)
  })

  it('An opened context applies its limits and lifecycles and stores large values.', async () => {
    await using mesh = await openContext('memory:', { limits: { entries: 1 }, lifecycles: { brief: { ttl: '1h' } } })
    const large = 'x'.repeat(300 * 1024)
    await mesh.context('ada').push('large', large, { lifecycle: 'brief' })
    expect(await mesh.agent('ada', 'A').get('large')).toBe(large)
    expect((await mesh.context('ada').getEntry('large'))?.expiresAt).toBeTypeOf('string')
    await expect(mesh.context('ada').push('more', 1)).rejects.toThrow(/entries/)
  })

  it('An opened context reads from a file what an earlier one wrote, and closing it twice closes it once.', async () => {
    const url = fileUrl()
    const first = await openContext(url)
    await first.context('ada').push('key', 'value')
    await Promise.all([first.close(), first.close()])
    await expect(first.context('ada').get('key')).rejects.toThrow()
    await using second = await openContext(url)
    expect(await second.agent('ada', 'A').get('key')).toBe('value')
  })

  it('A troupe opens the file of an opened context, and after that openContext rejects the file.', async () => {
    const url = fileUrl()
    const mesh = await openContext(url)
    await mesh.context('ada').push('key', 'value')
    await mesh.close()
    const troupe = await createTroupe({ storage: url, log: 'silent' })
    expect(await troupe.user('ada').context.get('key')).toBe('value')
    await troupe.close()
    await expect(openContext(url)).rejects.toMatchObject({ code: 'storage.too_new' })
  })

  it('openContext rejects an unknown option, a URL that is none, and an access that is not allowed.', async () => {
    // @ts-expect-error There is no such option.
    await expect(openContext('memory:', { limit: {} })).rejects.toMatchObject({ code: 'option.unknown' })
    await expect(openContext('nowhere')).rejects.toMatchObject({ code: expect.any(String) })
    await using mesh = await openContext('memory:')
    expect(() => mesh.agent('ada', 'A', { role: 'king' })).toThrow(/king/)
    expect(() => mesh.agent('ada', 'A', { deny: ['push_contxt'] })).toThrow(/push_context/)
  })
})

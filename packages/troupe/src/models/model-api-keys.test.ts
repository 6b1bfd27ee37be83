import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { createTroupe, LlmAgent, patterns } from '../index.ts'

it("An API key of an agent's model is not in any output, even if its provider echoes it.", async () => {
  const apiKey = 'sk-planted-0123456789'
  const provider = createServer((request, response) => {
    response.writeHead(401, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ error: { message: `Incorrect API key provided: ${request.headers.authorization}` } }))
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => provider.once('listening', resolve))
  const url = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/v1`
  const asker = new LlmAgent({ name: 'Asker', model: { url, model: 'm', apiKey } })
  const troupe = await createTroupe({ storage: 'memory:', log: 'silent', agents: [asker] })
  try {
    const emitted: unknown[] = []
    troupe.on('*', (event) => emitted.push(event))
    const ada = troupe.user('ada')
    emitted.push(
      await ada
        .session(asker)
        .generate('hello')
        .catch((error: Error) => error.message),
    )
    const run = await ada.orchestra.start({
      task: 'hello',
      topology: patterns.pipeline({ stages: [{ agents: [asker] }] }),
    })
    emitted.push(await run.result())
    for await (const event of run.events()) emitted.push(event)
    const shown = JSON.stringify(emitted)
    expect(shown).toContain('Incorrect API key provided: Bearer [redacted]')
    expect(shown).not.toContain(apiKey)
  } finally {
    await troupe.close()
    provider.close()
  }
})

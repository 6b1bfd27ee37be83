import { expect, it } from 'vitest'
import { secretsOf, showConfig } from './show-config.ts'

class Model {
  readonly modelId = 'own'
  readonly credential = 'planted-in-a-model'
  readonly self = this
}
const valuesOf = (values: Readonly<Record<string, unknown>>) => {
  const origin = { source: 'file', name: 'troupe.config.ts' } as const
  return new Map(Object.entries(values).map(([path, value]) => [path, { path, value, origin }]))
}

it('A shown configuration hides headers, lists of secrets and instances of classes.', () => {
  const effectiveValues = valuesOf({
    alerts: { to: [{ webhook: { url: 'https://h/x', headers: { authorization: 'planted-1' } } }] },
    cassette: { path: 'tape.jsonl', secrets: ['planted-2'] },
    'server.oidc': { issuer: 'https://id', clientSecret: 'planted-3' },
    'models.registry': { own: new Model(), other: { url: 'http://h', apiKey: 'planted-4' } },
    agents: [{ name: 'A', key: 'planted-5' }],
  })
  const shown = Object.fromEntries(showConfig({ effectiveValues }).map(({ path, value }) => [path, value]))
  expect(JSON.stringify(shown)).not.toContain('planted')
  expect(shown).toMatchObject({
    alerts: '{"to":[{"webhook":{"url":"https://h/x","headers":{"authorization":"[hidden]"}}}]}',
    cassette: '{"path":"tape.jsonl","secrets":["[hidden]"]}',
    'models.registry': '{"own":"[code]","other":{"url":"http://h","apiKey":"[hidden]"}}',
    agents: '["A"]',
  })
  expect(secretsOf({ effectiveValues })).toEqual(['planted-1', 'planted-2', 'planted-3', 'planted-4'])
})

import { expect, it } from 'vitest'
import { createTroupe } from '../startup/index.ts'
import { configHashes } from './config-hashes.ts'

const redactor = { redact: (text: string) => text }
const modelsHash = (registry: object) =>
  configHashes({ storage: 'memory:', models: { registry } } as never, redactor).get('models')

class Model {
  readonly specificationVersion = 'v4'
  readonly provider = 'own'
  readonly supportedUrls = {}
  readonly client = { owner: this, sent: 0n }
  readonly modelId: string
  apiKey = 'first'

  constructor(modelId: string) {
    this.modelId = modelId
  }
  async doGenerate() {}
  async doStream() {}
}

it('A troupe opens with models of the application that have cycles.', async () => {
  const plain: Record<string, unknown> = { ...new Model('plain') }
  plain.self = plain
  const registry = { own: new Model('a'), plain } as never
  const troupe = await createTroupe({ storage: 'memory:', log: 'silent', models: { registry } })
  await troupe.close()
})

it('The hash of a configuration changes with a model of its registry, and not with the key of the model.', () => {
  const before = modelsHash({ fast: new Model('a') })
  expect(modelsHash({ fast: Object.assign(new Model('a'), { apiKey: 'second' }) })).toBe(before)
  expect(modelsHash({ fast: new Model('b') })).not.toBe(before)
})

/**
 * The topics of a step. Subscriptions are no part of the turn: they hold at once, and are done once however often the step
 * is entered; what was read of them is in its log.
 */
import {
  canonicalJson,
  checkCall,
  checkOptions,
  checkSignal,
  createPage,
  decodeJson,
  type Page,
} from '../../core/index.ts'
import type { Recorder } from '../../journal/index.ts'
import type * as port from '../context-client.ts'

export class StagedTopics {
  readonly #recorder: Recorder
  readonly #live: () => port.ContextClient

  constructor(recorder: Recorder, live: () => port.ContextClient) {
    this.#recorder = recorder
    this.#live = live
  }

  async change(what: 'subscribe' | 'unsubscribe', topics: readonly string[], options: port.Signal = {}): Promise<void> {
    checkCall(what, options)
    const live = this.#live()
    await this.#recorder.effect(`context.${what}`, { class: 'idempotent', input: topics }, async () => {
      await live[what](topics)
      return null
    })
  }

  async delete(topic: string, options: port.Signal = {}): Promise<port.DeletedTopic> {
    checkCall('deleteTopic', options)
    const live = this.#live()
    return this.#recorder.effect('context.deleteTopic', { class: 'idempotent', input: topic }, () =>
      live.deleteTopic(topic),
    )
  }

  async mine(options: port.Signal = {}): Promise<readonly string[]> {
    checkCall('topics', options)
    return this.#recorder.answer({ kind: 'topics', name: '' }, async () => [...(await this.#live().topics())])
  }

  async discover(options: port.DiscoverOptions = {}): Promise<Page<port.TopicInfo>> {
    checkOptions('discoverTopics', options, ['limit', 'cursor', 'names', 'signal'])
    checkSignal('discoverTopics', options.signal)
    const { signal: _, ...asked } = options
    const name = canonicalJson(asked as { readonly [key: string]: string | number | boolean })
    const { items, cursor } = await this.#recorder.answer({ kind: 'discoverTopics', name }, async () => {
      const page = await this.#live().discoverTopics(options)
      return { items: decodeJson(JSON.stringify(page.items)), cursor: page.cursor ?? null }
    })
    return createPage(items as unknown as readonly port.TopicInfo[], cursor ?? undefined, (next) =>
      this.discover({ ...options, cursor: next }),
    )
  }
}

/** Sends alerts by HTTP: one POST of JSON each, retried after temporary failures. */
import { type Clock, type FetchPort, failure, invalidInput, type Random, truncateText } from '../../core/index.ts'
import { isTransient, retry, timeout, wrap } from '../../resilience/index.ts'
import type { AlertSink } from './alerts.ts'

/** A URL to which alerts are posted as JSON, at most five times after temporary failures. */
export interface Webhook {
  /** The URL, with http or https. */
  readonly url: string
  /** Headers of each request; none by default. */
  readonly headers?: Readonly<Record<string, string>>
}

export function createWebhook(
  { url, headers }: Webhook,
  { clock, random, fetch }: { readonly clock: Clock; readonly random: Random; readonly fetch: FetchPort },
): AlertSink {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw invalidInput('alerts.to.webhook', 'it is not an address of http or https')
  const careful = wrap(
    retry({ attempts: 5, clock, random, when: isTransient }),
    timeout({ clock, limit: '10s', what: 'The webhook of alerts' }),
  )
  return {
    notify: (alert) =>
      careful.execute(async ({ signal }) => {
        const answer = await fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body: JSON.stringify(alert),
          ...(signal ? { signal } : {}),
        })
        const text = await answer.text()
        if (!answer.ok) throw failure('sending.rejected', { status: answer.status, problem: truncateText(text, 200) })
      }),
  }
}

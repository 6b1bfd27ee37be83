/** Tells of alerts by HTTP: one POST of JSON each, tried again where it may pass. */
import { type Clock, type Fetch, failure, type Random } from '../../core/index.ts'
import { retry, timeout, worthAnotherTry, wrap } from '../../resilience/index.ts'
import type { AlertSink } from './alerts.ts'

export interface Webhook {
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
}

export function createWebhook(
  { url, headers }: Webhook,
  { clock, random, fetch }: { readonly clock: Clock; readonly random: Random; readonly fetch: Fetch },
): AlertSink {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw failure('validation.failed', { what: 'alerts.to.webhook', problem: 'it is no address of http or https' })
  const careful = wrap(
    retry({ attempts: 5, clock, random, when: worthAnotherTry }),
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
        const said = await answer.text()
        if (!answer.ok) throw failure('sending.refused', { status: answer.status, problem: said.slice(0, 200) })
      }),
  }
}

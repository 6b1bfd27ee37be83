/** Runs looked at from within: as they stood, where they stop, and with what they go on. */

import { type CliCommand, text } from '../../cli-command.ts'
import { misused } from '../../exit-codes.ts'
import { safe } from '../../output/safe.ts'
import { part } from '../../transport/api.ts'
import { readValue } from '../read-value.ts'

const indented = (found: unknown) => safe(JSON.stringify(found, undefined, 2))
const at = (run: string, rest: string) => `/v1/runs/${part(run)}${rest}`

export const debugCommands: readonly CliCommand[] = [
  {
    name: 'runs at',
    parameters: '<run> <seq>',
    description: 'the run as it stood with one of its events: branches, context, messages',
    async run({ api, out }, [run = '', seq = '']) {
      out.show(await (await api()).call<unknown>({ path: at(run, `/at/${part(seq)}`) }), indented)
      return undefined
    },
  },
  {
    name: 'runs inspect',
    parameters: '<run>',
    description: 'how it stands, at which breakpoint, and what comes next',
    async run({ api, out }, [run = '']) {
      out.show(await (await api()).call<unknown>({ path: at(run, '/inspect') }), indented)
      return undefined
    },
  },
  {
    name: 'runs break',
    parameters: '<run> <breakpoints>',
    description:
      'where it stops from now on: error, or JSON such as [{"agent":"Two"},{"tool":"pay"},{"seq":40}]; [] nowhere',
    async run({ api, out }, [run = '', valueText = '']) {
      const body = { breakOn: readValue(valueText) }
      await (await api({ code: true })).call({ method: 'POST', path: at(run, '/breakpoints'), body })
      out.show({ ok: true }, () => 'Set.')
      return undefined
    },
  },
  {
    name: 'runs step',
    parameters: '<run>',
    description: 'goes on until another step has begun, and stops again behind it',
    async run({ api, out }, [run = '']) {
      const asked = { method: 'POST', path: at(run, '/step'), body: {} } as const
      out.show(await (await api({ code: true })).call<unknown>(asked), indented)
      return undefined
    },
  },
  {
    name: 'runs edit',
    parameters: '<run>',
    description: 'changes what a run that stands at a breakpoint goes on with',
    options: [
      ['--results <json>', '{ step: value } of failures that are held'],
      ['--inputs <json>', '{ branch: value } of branches about to begin a step'],
    ],
    async run({ api, out }, [run = ''], options) {
      const read = (name: string) => {
        const value = text(options, name)
        return value === undefined ? {} : { [name]: readValue(value) }
      }
      const body = { ...read('results'), ...read('inputs') }
      if (Object.keys(body).length === 0) throw misused('runs edit needs --results or --inputs.')
      await (await api({ code: true })).call({ method: 'POST', path: at(run, '/edit'), body })
      out.show({ ok: true }, () => 'Changed.')
      return undefined
    },
  },
]

/** The same approval on the five surfaces that show it: the API, HTTP, MCP, the command line and the page. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { createTroupe, defineAgent, finish } from 'troupe'
import { expect, test } from 'vitest'
import { describeInBrowser } from './browser-testbed.ts'

const program = fileURLToPath(new URL('../../troupe/bin/troupe.js', import.meta.url))
const run = promisify(execFile)

/** Each value of it hides something from a reader, and the long text pushes the recipient out of sight. */
const args = {
  body: `${'thank you '.repeat(150)}the end`,
  'na\u200bme': ['\u202egnp.exe', '\uff50\uff41\uff59', '\u{1d429}ay', 'a\u3164b', '\u001b[31m', 'two\nlines', 5, null],
  to: '\u0430dmin@office.test',
}
const asked = 'Pay \u0430dmin\u202e and \uff22ob?'
const marks = [
  'Pay \\u{430}dmin (mixes Latin and Cyrillic)\\u{202e} and \\u{ff22}ob?',
  '"na\\u{200b}me":',
  '"\\u{202e}gnp.exe"',
  '"\\u{ff50}\\u{ff41}\\u{ff59}"',
  '"\\u{1d429}ay"',
  '"a\\u{3164}b"',
  '"\\u001b[31m"',
  '"two\\nlines"',
  '"\\u{430}dmin@office.test (mixes Latin and Cyrillic)"',
]
const unseen = /[\u202e\u200b\u3164\uff01-\uff5e\u{1d400}-\u{1d7ff}]|\u0430dmin/u
const payer = defineAgent({
  name: 'Payer',
  run: async (_, ctx) => finish((await ctx.ask({ kind: 'approval', text: asked, tool: 'pay', args })) as never),
})

describeInBrowser('an approval', (testbed) => {
  test('An approval with hostile arguments has one text in the API, over HTTP and MCP, in the command line and on the page.', async () => {
    const troupe = await createTroupe({ storage: 'memory:', log: 'silent', agents: [payer] })
    const server = await testbed.serve(troupe)
    const { url } = server
    const { key } = await troupe.apiKeys.create({ name: 'k', users: ['default'], role: 'moderator' })
    const started = await troupe.user('default').orchestra.start({ agent: 'Payer', task: 'go' })
    const api = (await started.result()).questions[0]?.text ?? ''

    const answer = await fetch(`${url}/v1/runs/${started.id}/result`, { headers: { authorization: `Bearer ${key}` } })
    const http = ((await answer.json()) as { questions: { text: string }[] }).questions[0]?.text

    const client = new Client(
      { name: 'test', version: '1' },
      { versionNegotiation: { mode: { pin: '2026-07-28' } }, capabilities: { elicitation: { form: {} } } },
    )
    let mcp: string | undefined
    client.setRequestHandler('elicitation/create', ({ params }) => {
      mcp = params.message
      return { action: 'decline' }
    })
    const requestInit = { headers: { authorization: `Bearer ${key}` } }
    await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', url), { requestInit }))
    await client.callTool({ name: 'run_team', arguments: { task: 'go', team: 'Payer' } })
    await client.close()

    const env = { ...process.env, TROUPE_URL: url, TROUPE_API_KEY: key, NO_COLOR: '1' }
    const { stdout: cli } = await run(process.execPath, [program, 'runs', 'show', started.id], { env })

    const page = await testbed.open({ link: await server.link() })
    await page.goto(`${url}/#/runs/${started.id}`)
    await page.getByRole('status', { name: 'Status of the run' }).waitFor()
    const question = page.getByRole('group', { name: 'Question of Payer' })
    const shown = await question.innerText()
    const region = await question.getByRole('region', { name: 'Arguments of pay' }).innerText()

    expect([http, mcp]).toEqual([api, api])
    expect(cli).toContain(api)
    expect(shown.replaceAll(/\s+/g, ' ')).toContain(api.replaceAll(/\s+/g, ' '))
    // The region shows the complete arguments in lines of their own.
    const inOneLine = region.replaceAll(/\n */g, '').replaceAll('": ', '":')
    const [, text = ''] = api.split('\npay ')
    const cut = text.indexOf('… (')
    expect(inOneLine.slice(0, cut)).toBe(text.slice(0, cut))
    expect(inOneLine).toContain('the end"')
    for (const surface of [api, cli, shown, `${api.split('\n')[0]}${inOneLine}`]) {
      for (const mark of marks) expect(surface.replaceAll('": ', '":')).toContain(mark)
      expect(surface).not.toMatch(unseen)
      expect(surface).not.toContain('\u001b')
      expect(surface.indexOf('office.test')).toBeLessThan(surface.indexOf('thank you'))
    }
  })
})

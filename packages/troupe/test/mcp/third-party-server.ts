/** A server of the official package, as somebody else would write it; the file named by its argument says what it offers. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { Server } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'

const [, , file = ''] = process.argv
process.stderr.write('a line for the log\n')

async function call(name: string, args: Record<string, unknown>) {
  appendFileSync(`${file}.calls`, `${name}\n`)
  const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] })
  if (name === 'die') process.exit(1)
  if (name === 'slow') await new Promise((resolve) => setTimeout(resolve, 60_000))
  while (name === 'gate' && !existsSync(`${file}.open`)) await new Promise((resolve) => setTimeout(resolve, 20))
  if (name === 'huge') return text('x'.repeat(Number(args.bytes)))
  if (name === 'garbage') process.stdout.write('this is not a frame\n{"jsonrpc":"2.0"\n')
  // A line without an end, as fast as it is read.
  while (name === 'endless')
    if (!process.stdout.write('x'.repeat(65_536))) await new Promise((resolve) => process.stdout.once('drain', resolve))
  if (name === 'told') return { content: [], structuredContent: { why: 'the disk is full' }, isError: true }
  if (name === 'shaped') return { content: [], structuredContent: args }
  if (name === 'picture') {
    const picture = { type: 'image' as const, data: Buffer.from('pixels').toString('base64'), mimeType: 'image/png' }
    const link = { type: 'resource_link' as const, uri: 'file:///a', name: 'a' }
    return { content: [{ type: 'text' as const, text: 'The screen.' }, picture, link] }
  }
  if (name === 'fail') return { ...text('no such thing'), isError: true }
  if (name === 'pid') return text(String(process.pid))
  return text(JSON.stringify(args))
}

serveStdio(() => {
  const server = new Server({ name: 'other', version: '1' }, { capabilities: { tools: {} } })
  server.setRequestHandler('tools/list', () => ({ tools: JSON.parse(readFileSync(file, 'utf8')) }))
  server.setRequestHandler('tools/call', ({ params }) => call(params.name, params.arguments ?? {}))
  return server
})

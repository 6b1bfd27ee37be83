/** Tools of a model over a computer or a browser. A port of the application connects the device. */
import { z } from 'zod'
import { checkFunction, type FilePart, fieldOf } from '../core/index.ts'
import { defineTool, type Tool } from './define-tool.ts'

/** The key and the signal of one call of a device. */
export interface DeviceCall {
  /** The idempotency key of the call. */
  readonly key: string
  /** Aborts when the step is cancelled or the tool has timed out. */
  readonly signal: AbortSignal
}

const point = { x: z.int().min(0), y: z.int().min(0) }
const computerAction = z.discriminatedUnion('type', [
  z.object({ type: z.enum(['click', 'double_click', 'move']), ...point }),
  z.object({ type: z.literal('type'), text: z.string().max(10_000) }),
  z.object({ type: z.literal('press'), keys: z.string().max(100).describe('A key, such as Enter or Control+C.') }),
  z.object({ type: z.literal('scroll'), ...point, by: z.int().describe('Pixels; negative values scroll up.') }),
])
/** An action on a screen; positions are pixels from the upper left corner. */
export type ComputerAction = z.infer<typeof computerAction>

/** The port to a computer with a screen. */
export interface Computer {
  /** Returns the screen as an image. */
  screenshot(call: DeviceCall): Promise<FilePart>
  /** Executes an action. It resolves when the screen shows the result. */
  act(action: ComputerAction, call: DeviceCall): Promise<void>
}

/**
 * Returns the tools `look_at_screen` and `use_computer`. Both return the screen as an image, labelled untrusted with the source
 * `screen`. An action is `at-most-once`, so that no click is repeated after a crash.
 * @param computer the port to the computer
 * @example new LlmAgent({ name: 'Operator', model, tools: computerTools(computer) })
 */
export function computerTools(computer: Computer): readonly Tool[] {
  for (const name of ['screenshot', 'act']) checkFunction(`${name} of computerTools`, fieldOf(computer, name))
  return [
    defineTool({
      name: 'look_at_screen',
      description: 'Returns the screen of the computer as an image.',
      inputSchema: z.object({}),
      effect: 'read',
      untrusted: 'screen',
      execute: async (_, { key, signal }) => [await computer.screenshot({ key, signal })],
    }),
    defineTool({
      name: 'use_computer',
      description: 'Executes an action of mouse or keyboard, and returns the screen after it.',
      inputSchema: z.object({ action: computerAction }),
      effect: 'at-most-once',
      untrusted: 'screen',
      capabilities: ['external'],
      execute: async ({ action }, { key, signal }) => {
        await computer.act(action, { key, signal })
        return [await computer.screenshot({ key, signal })]
      },
    }),
  ]
}

const browserAction = z.discriminatedUnion('type', [
  z.object({ type: z.literal('click'), target: z.string().max(1_000) }),
  z.object({ type: z.literal('fill'), target: z.string().max(1_000), text: z.string().max(10_000) }),
])
/** An action on a page; `target` is an element as `BrowserPage.text` names it. */
export type BrowserAction = z.infer<typeof browserAction>

/** A page as the model reads it. */
export type BrowserPage = {
  /** The address of the page. */
  readonly url: string
  /** The title of the page. */
  readonly title: string
  /** The text of the page, with a name for each element that can be used. */
  readonly text: string
}

/** The port to a browser. Its requests are its own: the egress rules of the troupe do not apply to them. */
export interface Browser {
  /** Opens an address. */
  open(url: string, call: DeviceCall): Promise<BrowserPage>
  /** Executes an action on the open page. */
  act(action: BrowserAction, call: DeviceCall): Promise<BrowserPage>
}

/**
 * Returns the tools `open_page` and `use_page`. Both return the page, labelled untrusted with the source `web`. An action is
 * `at-most-once`, so that no form is sent again after a crash.
 * @param browser the port to the browser
 * @example new LlmAgent({ name: 'Buyer', model, tools: browserTools(browser) })
 */
export function browserTools(browser: Browser): readonly Tool[] {
  for (const name of ['open', 'act']) checkFunction(`${name} of browserTools`, fieldOf(browser, name))
  return [
    defineTool({
      name: 'open_page',
      description: 'Opens a web page and returns its text.',
      inputSchema: z.object({ url: z.url({ protocol: /^https?$/ }).max(2_048) }),
      effect: 'read',
      untrusted: 'web',
      capabilities: ['external'],
      execute: async ({ url }, { key, signal }) => browser.open(url, { key, signal }),
    }),
    defineTool({
      name: 'use_page',
      description: 'Clicks an element of the open page or fills it, and returns the page after it.',
      inputSchema: z.object({ action: browserAction }),
      effect: 'at-most-once',
      untrusted: 'web',
      capabilities: ['external'],
      execute: async ({ action }, { key, signal }) => browser.act(action, { key, signal }),
    }),
  ]
}

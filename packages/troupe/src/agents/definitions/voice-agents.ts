/** Agents that turn speech into text and text into speech. A port of the application connects the service. */
import { checkFunction, type FilePart, fieldOf, type Json } from '../../core/index.ts'
import type { Agent } from '../agent-port.ts'
import { defineAgent } from './define-agent.ts'

/** The key and the signal of one call of a voice service. */
export interface VoiceCall {
  /** The idempotency key, which is the same in a repeated call. */
  readonly key: string
  /** Aborts when the step is cancelled or has timed out. */
  readonly signal: AbortSignal
}

/** The port to a service that recognises and synthesises speech. */
export interface Voice {
  /** Returns what is said in the audio. */
  transcribe(audio: FilePart, call: VoiceCall): Promise<string>
  /** Returns the spoken text as audio. */
  speak(text: string, call: VoiceCall): Promise<FilePart>
}

/** The agents of `voiceAgents`. */
export interface VoiceAgents {
  /** Returns the text of its input, an audio file. */
  readonly listener: Agent
  /** Returns its input, a text, as an audio file. */
  readonly speaker: Agent
}

/**
 * Returns two agents for a team: `listener` returns the text of its input, an audio file, and `speaker` returns its input, a
 * text, as audio. Each call of the service is recorded, so that a replay makes none.
 * @param voice the port to the service
 * @example
 * const { listener, speaker } = voiceAgents(voice)
 * const team = { agents: [listener, clerk, speaker], flows: ['Listener -> Clerk', 'Clerk -> Speaker'] }
 */
export function voiceAgents(voice: Voice): VoiceAgents {
  for (const name of ['transcribe', 'speak']) checkFunction(`${name} of voiceAgents`, fieldOf(voice, name))
  return {
    listener: defineAgent<FilePart, string>({
      name: 'Listener',
      run: (audio, ctx) =>
        ctx.effect('transcribe', { class: 'read', input: audio as Json }, ({ key, signal }) =>
          voice.transcribe(audio, { key, signal }),
        ),
    }),
    speaker: defineAgent<string, FilePart>({
      name: 'Speaker',
      run: (text, ctx) =>
        ctx.effect('speak', { class: 'read', input: text }, ({ key, signal }) => voice.speak(text, { key, signal })),
    }),
  }
}

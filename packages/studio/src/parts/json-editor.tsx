/** An editor of JSON. It loads when something is edited for the first time. */
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { json } from '@codemirror/lang-json'
import { bracketMatching, indentOnInput } from '@codemirror/language'
import { EditorState } from '@codemirror/state'
import { drawSelection, EditorView, keymap, lineNumbers } from '@codemirror/view'
import { useEffect, useRef } from 'react'
import { codeStyle } from './code-style.ts'

interface JsonEditorProps {
  readonly label: string
  /** What stands in it at first. */
  readonly text: string
  readonly onChange: (text: string) => void
  /** False for an editor that is not what the person asked for last. */
  readonly takesFocus?: boolean
}

export default function JsonEditor({ label, text, onChange, takesFocus = true }: JsonEditorProps) {
  const box = useRef<HTMLDivElement>(null)
  const latest = useRef(onChange)
  latest.current = onChange
  const written = useRef(text)
  useEffect(() => {
    if (!box.current) return
    const view = new EditorView({
      parent: box.current,
      state: EditorState.create({
        doc: written.current,
        extensions: [
          lineNumbers(),
          history(),
          drawSelection(),
          indentOnInput(),
          bracketMatching(),
          json(),
          // Tab leaves the editor, as it leaves any field.
          keymap.of([...defaultKeymap, ...historyKeymap]),
          EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' }),
          EditorView.updateListener.of((update) => {
            if (!update.docChanged) return
            written.current = update.state.doc.toString()
            latest.current(written.current)
          }),
          codeStyle,
        ],
      }),
    })
    if (takesFocus) view.focus()
    return () => view.destroy()
  }, [label, takesFocus])
  return <div className="editor" ref={box} />
}

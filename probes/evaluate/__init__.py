"""The other half: do answers get better? The papers' own experiments on the user's models (`probe evaluate`).

    settings    the options that hold for every suite; models and pairs by name
    suite, data    what a suite is: rules for its data, its options, a plan of what is asked and how it is scored
    suites/     one module a suite; `suite_names` and `registry` find them and those of other packages
    request     from options by name to settings, suite and its options
    readers/    the data's formats → questions, and what is wrong with a file, counted
    choices     multiple choice: letters, option texts, DC-PMI, generation, in every rotation
    parsing     what a written answer says, or that it says nothing
    texts, codes, instructions    metrics of written answers
    prompt_task one lm-evaluation-harness task: documents, a prompt, what is weighed or written
    prompting   how every model of a run is prompted, and the keys of its answers
    language_model, on_vllm    the harness's model around our checkpoint, or vLLM's on its folder
    opening     opens one of the two
    runner      puts prompt tasks to the harness; keeps every answer, so that a run goes on where it stopped
    harness     the harness's own tasks
    answers     the file of kept answers, computed in shards by an executor (`probes.runs.execution`)
    values      a value for each model, task, metric and question → estimates, pairs, one correction
    pairs       which model is compared with which; win, tie, loss; published scores
    labels      votes with a quorum, conformal label sets
    longhealth, levels    what LongHealth's tasks ask; CLUE's levels, published and mended
    gain_correlation    answers beside a comparison's probabilities, by specialty
    attached    evaluations that belong to a comparison
    evaluate    the whole way: settings → run directory → evaluation.json

Data → prompt tasks → lm-evaluation-harness (`runner`) → answers → `Value`s → `evaluation.json`. A suite knows no model,
the runner no suite. Prompts are templates in `prompts/`, which a person can edit (`--prompts`).
"""

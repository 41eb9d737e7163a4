"""Prompts: a role for every position, right answers, rows that stay together, and one clear line for bad input."""

from __future__ import annotations

import contextlib
import io
import re
from dataclasses import replace

import numpy as np
import pytest
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from interp.errors import InterpError
from interp.tasks import BUILT_IN, STYLES, Item, Prompts, Task, build, encode, from_operands, get_task
from tests.tokenizers import MULTI_DIGIT, tokenizer

# every position of every style, for the shipped tokenizer: two operands, then three
ROLES = {
    ("plain", 2): "bos a op1 b eq",
    ("plain", 3): "bos a op1 b op2 c eq",
    ("verbal", 2): "bos a op1 b w1",
    ("verbal", 3): "bos a op1 b op2 c w1",
    ("question", 2): "bos w1 w2 w3 a op1 b w4 w5 w6",
    ("question", 3): "bos w1 w2 w3 a op1 b op2 c w4 w5 w6",
    ("instruction", 2): "bos w1 w2 a w3 w4 op1 b w5 w6 w7 w8",
    ("instruction", 3): "bos w1 w2 a w3 w4 op1 b w5 w6 op2 c w7 w8 w9 w10",
    ("word_problem", 2): "bos w1 w2 a w3 w4 w5 op1 b w6 w7 w8 w9",
    ("word_problem", 3): "bos w1 w2 a w3 w4 w5 op1 b w6 w7 op2 c w8 w9 w10 w11",
    ("python", 2): "bos w1 w2 a w3 w4 b w5 w6 w7 op1 w8 w9 w10",
    ("python", 3): "bos w1 w2 a w3 w4 b w5 w6 c w7 w8 w9 op1 w10 op2 w11 w12 w13",
}
SIGNS = {"plus": "+", "add": "+", "finds": "+", "minus": "-", "subtract": "-", "loses": "-"}
DROPPED = tokenizer("dropped")


def computed(style: str, text: str) -> int:
    """What a reader of the text would answer: Python runs the program, words become signs."""
    if style == "python":
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(text)
        return int(out.getvalue())
    found = re.findall(r"\d+|[+-]|\b(?:" + "|".join(SIGNS) + r")\b", text)
    return eval("".join(SIGNS.get(piece, piece) for piece in found))


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("task", BUILT_IN, ids=lambda task: task.name)
def test_roles_tokens_answers_and_variables_of_every_task_and_style(task, style):
    prompts = build(task, DROPPED, style, "test", n=25, seed=4)
    assert prompts.roles == tuple(ROLES[style, len(task.operands)].split())
    assert (prompts.task, prompts.style, prompts.split, len(prompts)) == (task.name, style, "test", 25)
    assert prompts.tokens.dtype == prompts.answer_ids.dtype == np.int64
    assert not (prompts.tokens == DROPPED.unk_token_id).any()
    assert prompts.tokens[:, 0].tolist() == [DROPPED.bos_token_id] * 25
    words = np.array([DROPPED.convert_ids_to_tokens(row) for row in prompts.tokens.tolist()])
    for operand in task.operands:
        assert words[:, prompts.position(operand)].tolist() == list(map(str, prompts.variables[operand]))
    for i, operator in enumerate(task.operators):
        column = words[:, prompts.position(f"op{i + 1}")]
        assert {SIGNS.get(word, word) for word in column} == {operator}
    for row in range(25):
        assert prompts.answers[row] == str(computed(style, prompts.texts[row]))
        # the tokens are those that transformers makes of the plain text
        assert DROPPED(prompts.texts[row])["input_ids"] == prompts.tokens[row].tolist()
    assert DROPPED.convert_ids_to_tokens(prompts.answer_ids.tolist()) == list(prompts.answers)
    assert prompts.variables["result"].tolist() == list(map(int, prompts.answers))


def test_three_prompts_by_hand():
    prompts = from_operands(get_task("a+b-c"), DROPPED, [[38, 45, 49], [0, 0, 0], [49, 49, 7]])
    plus, minus, equals = DROPPED.convert_tokens_to_ids(["+", "-", "="])
    assert prompts.texts == ("38+45-49=", "0+0-0=", "49+49-7=")
    assert prompts.tokens.tolist() == [
        [200, 38, plus, 45, minus, 49, equals],
        [200, 0, plus, 0, minus, 0, equals],
        [200, 49, plus, 49, minus, 7, equals],
    ]
    assert prompts.answers == ("34", "0", "91")
    assert prompts.answer_ids.tolist() == [34, 0, 91]
    assert prompts.variables["partial"].tolist() == [83, 0, 98]
    assert prompts.variables["partial_carry0"].tolist() == [1, 0, 1]
    assert prompts.variables["result_borrow0"].tolist() == [1, 0, 0]
    assert prompts.split == "own"


def test_positions_by_role():
    prompts = build(get_task("a+b"), DROPPED, "question", n=3)
    assert prompts.position("last") == 9 == prompts.position("w6")
    assert prompts.positions(["b", "a", "last", "bos"]) == [6, 4, 9, 0]
    with pytest.raises(InterpError, match=r"unknown role 'op2' in a\+b question\. Did you mean op1"):
        prompts.position("op2")
    with pytest.raises(InterpError, match="unknown role 'eq'"):
        prompts.positions(["a", "eq"])


@pytest.mark.parametrize(
    "rows",
    [3, -1, slice(2, 9, 3), np.array([5, 0, 5]), [7, 1], np.arange(20) % 3 == 0, slice(0, 0)],
    ids=["row", "last row", "slice", "indices", "list", "mask", "nothing"],
)
def test_rows_stay_together(rows):
    prompts = build(get_task("a+b+c"), DROPPED, n=20)
    index = np.atleast_1d(np.arange(20)[rows])
    part = prompts[rows]
    assert len(part) == len(index)
    assert part.roles == prompts.roles
    assert np.array_equal(part.tokens, prompts.tokens[index])
    assert part.texts == tuple(prompts.texts[i] for i in index)
    assert part.answers == tuple(prompts.answers[i] for i in index)
    assert part.answer_ids.tolist() == prompts.answer_ids[index].tolist()
    assert set(part.variables) == set(prompts.variables)
    assert all(np.array_equal(part.variables[k], v[index]) for k, v in prompts.variables.items())


def test_samples_are_seeded_in_order_and_without_replacement():
    prompts = build(get_task("a+b"), DROPPED, n=300)
    one, again, other = prompts.sample(40, seed=1), prompts.sample(40, seed=1), prompts.sample(40, seed=2)
    assert one.digest == again.digest != other.digest
    places = [prompts.texts.index(text) for text in one.texts]
    assert len(set(places)) == 40
    assert places == sorted(places)
    assert prompts.sample(None) is prompts.sample(300) is prompts.sample(10**6) is prompts
    for n in (0, -3):
        with pytest.raises(InterpError, match=f"n = {n} prompts asked for"):
            prompts.sample(n)
        with pytest.raises(InterpError, match=f"n = {n} prompts asked for"):
            build(get_task("a+b"), DROPPED, n=n)


def test_build_draws_from_its_split_and_knows_its_seed():
    task = get_task("a-b")
    space = {tuple(row) for row in task.space("selection").tolist()}
    drawn = build(task, DROPPED, split="selection", n=50, seed=7)
    rows = list(zip(drawn.variables["a"].tolist(), drawn.variables["b"].tolist(), strict=True))
    assert len(set(rows)) == 50
    assert set(rows) <= space
    assert drawn.digest == build(task, DROPPED, split="selection", n=50, seed=7).digest
    assert drawn.digest != build(task, DROPPED, split="selection", n=50, seed=8).digest
    whole = build(task, DROPPED, split="selection")
    assert {tuple(row) for row in np.stack([whole.variables["a"], whole.variables["b"]], axis=1).tolist()} == space


def test_the_digest_is_of_the_question():
    prompts = build(get_task("a+b"), DROPPED, n=5)
    assert re.fullmatch("[0-9a-f]{64}", prompts.digest)
    assert replace(prompts, texts=("",) * 5, split="all").digest == prompts.digest
    assert replace(prompts, tokens=prompts.tokens.astype(np.int32)).digest == prompts.digest
    tokens = prompts.tokens.copy()
    tokens[2, 1] += 1
    for changed in (
        {"tokens": tokens},
        {"answers": (*prompts.answers[:4], "x")},
        {"roles": (*prompts.roles[:4], "equals")},
    ):
        assert replace(prompts, **changed).digest != prompts.digest
    assert prompts[::-1].digest != prompts.digest


def test_prompts_that_do_not_fit_together():
    prompts = build(get_task("a+b"), DROPPED, n=5)
    for wrong in (
        {"texts": prompts.texts[:4]},
        {"answers": prompts.answers * 2},
        {"answer_ids": prompts.answer_ids[:1]},
        {"tokens": prompts.tokens[0]},
        {"roles": prompts.roles[:4]},
        {"variables": {"a": np.arange(4)}},
    ):
        with pytest.raises(InterpError, match="do not have one common length"):
            replace(prompts, **wrong)
    with pytest.raises(InterpError, match="a role is used twice in bos, a, op1, b, b"):
        replace(prompts, roles=("bos", "a", "op1", "b", "b"))


def test_operands_that_the_task_does_not_have():
    task = get_task("a-b")
    for operands, why in (
        ([[1, 2], [100, 5]], "operand a = 100 is out of range; use 0..99"),
        ([[5, -1]], "operand b = -1 is out of range"),
        ([[1, 2]], "result is negative or a division by zero for operands (1, 2)"),
        ([[1, 2, 3]], "operands of shape (1, 3)"),
        ([5, 3], "operands of shape (2,)"),
        ([[1.5, 1.0]], "and type float64; give integers [prompt, operand] with the columns a, b"),
    ):
        with pytest.raises(InterpError, match=re.escape(why)):
            from_operands(task, DROPPED, operands)


def test_unknown_names_come_with_their_nearest():
    with pytest.raises(InterpError, match=r"no style 'verbale'\. Did you mean verbal"):
        build(get_task("a+b"), DROPPED, "verbale")
    with pytest.raises(InterpError, match=r"unknown split 'tests'\. Did you mean test"):
        build(get_task("a+b"), DROPPED, split="tests")
    with pytest.raises(InterpError, match=r"unknown task 'a-b-d'\. Did you mean a-b"):
        get_task("a-b-d")


def test_an_empty_split_is_an_error():
    with pytest.raises(InterpError, match="has no prompts in split 'selection'; widen its operand ranges"):
        build(get_task("a+b").within(1, 2), DROPPED, split="selection")
    with pytest.raises(InterpError, match="the list of questions is empty"):
        encode(DROPPED, [])


def question(text: str, answer: str = "46", prefix: str = "", **spans: tuple[int, int]) -> Item:
    return Item(text, spans, answer, prefix)


AB = {"a": (0, 2), "b": (3, 5)}
REFUSED = {
    "two tokens": ("separate", [question("12+34=", "1000", **AB)], "answer '1000' of '12+34=' is 2 tokens or merges"),
    "no answer": ("separate", [question("12+34=", "", **AB)], "is 0 tokens or merges"),
    "merges": ("separate", [question("a1", "2")], "is 0 tokens or merges"),
    "operand": ("separate", [question("1234+1=", a=(0, 4))], "operand 1234 is 2 tokens; this method needs one token"),
    "fused": ("fused", [question("521+1=", "7", a=(0, 3))], "operand 521 is 3 tokens"),
    "word": ("dropped", [question("12 zwölf 34", **AB)], "'12 zwölf 34' holds a word or number that the tokenizer"),
    "number": ("dropped", [question("12+200=", "12", a=(0, 2))], "'12+200=' holds a word or number"),
    "answer": ("dropped", [question("12+34=", "212", **AB)], "'212' holds a word or number"),
    "length": ("dropped", [question("12+34="), question("1+2+3=")], "(w1 w2 w3 w4) but '1+2+3=' is 6"),
    "roles": (
        "dropped",
        [question("12+34=", a=(0, 2)), question("12+34=", b=(0, 2))],
        "give every prompt the same roles",
    ),
    "merged away": ("dropped", [question("1234=", a=(0, 2), b=(2, 4))], "no token of its own for role 'b'"),
    "a space": ("dropped", [question("12 34", a=(0, 2), gap=(2, 3))], "no token of its own for role 'gap'"),
    "reserved": ("dropped", [question("12+34=", last=(0, 2))], "role 'last' cannot be given to a place"),
    "prefixes": (
        "dropped",
        [question("12=", "1"), question("13=", "1", " ")],
        "the same for all prompts, not",
    ),
    "prefix": ("dropped", [question("12=", "1", "\n")], "answer_prefix must be '' or ' '"),
    "nothing": ("bare", [question("", "12")], "a prompt has no token"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_questions_that_cannot_be_asked(name):
    kind, questions, why = REFUSED[name]
    with pytest.raises(InterpError, match=re.escape(why)) as caught:
        encode(tokenizer(kind), questions)
    assert "\n" not in str(caught.value)


def test_a_number_must_be_the_token_that_it_is_written_as():
    """One token is not enough: where "12+" is a word, its token is not the number 12."""
    words = ["12+", "5+", "34", "=", "46", "39", "<bos>"]
    glued = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<bos>"))
    glued.pre_tokenizer = pre_tokenizers.WhitespaceSplit()  # type: ignore[assignment]
    family = PreTrainedTokenizerFast(tokenizer_object=glued, bos_token="<bos>")
    item = Item("12+ 34 =", {"a": (0, 2), "b": (4, 6)}, "46", " ")
    assert encode(family, [item], numeric=["b", "answer"]).roles == ("bos", "a", "b", "w1")
    with pytest.raises(InterpError, match=r"a '12' was encoded as '12\+'; this tokenizer cannot take the task"):
        encode(family, [item], numeric=["a"])
    task = Task("glued", "a+b", (("a", 0, 99), ("b", 0, 99)), (("plain", "{a}+ {b} =", " "),))
    with pytest.raises(InterpError, match=r"a '12' was encoded as '12\+'"):
        from_operands(task, family, [[12, 34], [5, 34]])
    with pytest.raises(InterpError, match=r"answer '046' was encoded as '46'"):
        encode(numbers_without_zeros(), [Item("12+34=", {}, "046")], numeric=["answer"])


def numbers_without_zeros() -> PreTrainedTokenizerFast:
    """A tokenizer that reads 046 as 46."""
    plain = Tokenizer(models.WordLevel({"46": 0, "12+34=": 1, "<bos>": 2}, unk_token="<bos>"))
    plain.pre_tokenizer = pre_tokenizers.Split(Regex(r"(?<==)"), behavior="isolated")  # type: ignore[assignment]
    plain.normalizer = normalizers.Replace(Regex(r"=0+"), "=")  # type: ignore[assignment]
    return PreTrainedTokenizerFast(tokenizer_object=plain, bos_token="<bos>")


def test_a_slow_tokenizer_is_refused():
    class Slow:
        is_fast = False

    with pytest.raises(InterpError, match="gives no character offsets; load a fast one"):
        encode(Slow(), [question("12+34=", **AB)])


@pytest.mark.parametrize("kind", MULTI_DIGIT)
@pytest.mark.parametrize("style", STYLES)
def test_every_tokenizer_that_has_the_numbers_takes_every_style(kind, style):
    """Whatever the family, operands and answers are whole and the prompt and its answer are the text as it is read."""
    family = tokenizer(kind)
    for task in (get_task("a-b"), get_task("a+b-c")):
        prompts = build(task, family, style, n=40)
        assert (prompts.roles[0] == "bos") == (family.bos_token_id is not None)
        for operand in task.operands:
            read = [family.decode([t]).strip() for t in prompts.tokens[:, prompts.position(operand)].tolist()]
            assert read == list(map(str, prompts.variables[operand]))
        read = [family.decode([t]).strip() for t in prompts.answer_ids.tolist()]
        assert read == list(prompts.answers)
        start = len(prompts.roles) - len([r for r in prompts.roles if r != "bos"])
        prefix = "" if style == "plain" or prompts.texts[0].endswith(" ") else " "
        for row, text, answer, last in zip(
            prompts.tokens.tolist(), prompts.texts, prompts.answers, prompts.answer_ids.tolist(), strict=True
        ):
            assert family(text + prefix + answer, add_special_tokens=False)["input_ids"] == [*row[start:], last]
            assert computed(style, text) == int(answer)


@pytest.mark.parametrize("kind", MULTI_DIGIT)
def test_where_the_space_before_the_answer_goes(kind):
    family = tokenizer(kind)
    plain, verbal = (build(get_task("a+b"), family, style, n=20) for style in ("plain", "verbal"))
    assert all(text.endswith("=") for text in plain.texts)
    separate = kind in ("separate", "bare")
    assert all(text.endswith(" " if separate else "equals") for text in verbal.texts)
    assert family.decode([int(verbal.tokens[0, -1])]) == (
        " " if separate else "equals" if kind == "dropped" else " equals"
    )
    assert family.decode([int(verbal.answer_ids[0])]).startswith(" ") == (kind in ("fused", "trimmed"))
    same = set(plain.answer_ids.tolist()) == set(verbal.answer_ids.tolist())
    assert same == (kind not in ("fused", "trimmed"))  # " 46" and "46" are two tokens there


def test_the_place_of_the_space_does_not_depend_on_the_first_answer():
    """GPT-2 has no " 370": the prompt must then be refused, not quietly rewritten to end in a space."""
    task = Task("wide", "a+b", (("a", 0, 361), ("b", 0, 361)))
    fused = tokenizer("fused")
    assert from_operands(task, fused, [[185, 185], [1, 2]], "plain").texts == ("185+185=", "1+2=")
    with pytest.raises(InterpError, match=r"answer '370' .* is 4 tokens"):
        from_operands(task, fused, [[185, 185], [1, 2]], "verbal")
    with pytest.raises(InterpError, match=r"answer '370' .* is 4 tokens"):
        from_operands(task, fused, [[1, 2], [185, 185]], "verbal")


def test_answers_that_are_words():
    """Llama 3 fuses the space with a word though not with a number."""
    item = question("12+34=46? Answer:", "Answer", " ", a=(0, 2))
    for kind in ("separate", "fused"):
        family = tokenizer(kind)
        prompts = encode(family, [item])
        assert prompts.texts == ("12+34=46? Answer:",)
        assert family.decode(prompts.answer_ids.tolist()) == " Answer"


def test_one_operand_may_be_of_several_tokens_only_where_it_is_no_operand():
    """A literal of several tokens bears its role on the last of them."""
    item = question("12 zwo 34=", "46", b=(7, 9), word=(3, 6))
    prompts = encode(tokenizer("separate"), [item])
    assert prompts.roles == ("bos", "w1", "w2", "w3", "w4", "word", "w5", "b", "w6")


def test_prompts_is_a_plain_value():
    prompts = build(get_task("a+b"), DROPPED, n=4)
    assert isinstance(prompts, Prompts)
    with pytest.raises(AttributeError):
        prompts.task = "other"  # type: ignore[misc]

"""What people say of two profiles or clusters, as recipes: who runs them, and what follows."""

from imagematch.errors import UsageError
from imagematch.records import OperatorDecision, OperatorEffect, OperatorVerdict
from imagematch.services.session import Session
from imagematch.stages.operator_constraints import standing_between
from imagematch.stages.operator_groups import Operators
from imagematch.stages.resolving_profiles import Sides, resolve_sides
from imagematch.stages.shared_photos import SharedPhotos
from imagematch.stores.index import Index


def decide_operator(
    session: Session,
    left: str,
    right: str,
    verdict: OperatorVerdict,
    note: str = "",
    actor: str = "",
) -> OperatorDecision:
    """Say for good whether two profiles or clusters have one operator, or take that back.

    It is about the profiles that are there now: one that comes into a cluster later is no part of
    it. It waits for no run.

    Args:
        left, right: as people type them, see `stages.resolving_profiles`.
        verdict: "reopen" takes back all of the decision in force that is about both, also what it
            says of other profiles.
        actor: who decides; "" for the one of the session.

    Raises:
        UsageError: there are no such profiles or clusters, both are the same, or there is nothing
            to take back.
        IndexUnavailable: the index can't be written to.
    """
    with session.deciding(actor) as index:
        with session.reading() as now:  # one state, whatever a run does meanwhile
            sides = resolve_sides(now, left, right)
            if verdict == "reopen":
                sides = _sides_said(now, sides)
        made = OperatorDecision(*sides, verdict, actor or session.actor, "", note)
        return index.operator_decisions.add(made, lambda kept: _log(index, kept))


def effect_of(session: Session, decision: OperatorDecision) -> OperatorEffect:
    """What clusters its profiles are in now, what it replaced, and what can't hold any more."""
    with session.reading() as index:
        operators = Operators.read(index, SharedPhotos(index, index.settings.link))
        earlier = [each for each in index.operator_decisions.history() if each.at < decision.at]
    before = standing_between(earlier, decision.left, decision.right)
    groups = operators.groups_of(decision)
    unmet = operators.unmet(groups)
    concerned = groups.union(*map(operators.groups_of, unmet))
    members = operators.members.get(min(groups), []) if len(groups) == 1 else []
    return OperatorEffect(
        len(members),
        tuple(each for each in before if each.verdict != decision.verdict),
        operators.apart(concerned) if unmet else (),
        unmet,
    )


def _sides_said(index: Index, sides: Sides) -> Sides:
    """The sides of the only decision in force between two sides."""
    standing = standing_between(index.operator_decisions.history(), *sides)
    if not standing:
        raise UsageError(
            "nobody has said of these whether they have one operator, or it was taken back; "
            "`imagematch decisions list` shows what people said"
        )
    if len(standing) > 1:
        raise UsageError(
            f"{len(standing):,} decisions are about these; name two profiles of the one that you "
            f"want to take back, see `imagematch decisions list`"
        )
    return standing[0].left, standing[0].right


def _log(index: Index, kept: OperatorDecision) -> None:
    index.audit.record(
        "decision",
        about="operator",
        verdict=kept.verdict,
        left=[[profile.site, profile.handle] for profile in kept.left],
        right=[[profile.site, profile.handle] for profile in kept.right],
        note=kept.note,
    )

"""Lists that stay quick at a million rows, and take any text from their address."""

from typing import TYPE_CHECKING, Any, cast

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.core.paginator import Page, Paginator
from django.db import DataError
from django.db.models import QuerySet
from django.db.models.expressions import Combinable
from django.http import HttpRequest
from django.utils.functional import cached_property

from actionstep_connect.admin.size import MAX_LISTED

if TYPE_CHECKING:
    # At run time Django's paginators are not generic (django-stubs makes them so).
    _Paginator = Paginator[Any]
    _Page = Page[Any]
else:
    _Paginator, _Page = Paginator, Page

#: PostgreSQL stores no text with it, and refuses to compare with one.
NUL = "\0"


#: No name, address or organisation is longer. SQLite refuses to search for a very long text, and
#: for very many words.
MAX_SEARCHED = 500


class LimitedPaginator(_Paginator):
    """Pages of the first rows only: neither counting nor skipping reads a whole table."""

    @cached_property
    def found(self) -> int:
        """How many rows there are, counted up to one more than are listed."""
        return _count(cast("QuerySet[Any]", self.object_list))

    @property
    def is_cut(self) -> bool:
        """Whether there are more rows than are listed."""
        return self.found > MAX_LISTED

    @cached_property
    def count(self) -> int:
        """How many rows are listed."""
        return min(self.found, MAX_LISTED)

    def page(self, number: int | str) -> _Page:
        """Return a page; the last one where a list was cut before it."""
        last = self.num_pages
        return super().page(min(int(number), last) if self.is_cut else number)


class TolerantChangeList(ChangeList):
    """A list of the admin for which no address is a server error, and no table too long."""

    paginator: LimitedPaginator

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> QuerySet[Any]:
        """Find nothing where the address holds what no database stores, or what is too long to be found."""
        query, is_long = self.query, len(self.query) > MAX_SEARCHED
        self.query = "" if is_long else query
        rows: QuerySet[Any] = super().get_queryset(request, *args, **kwargs)
        self.query = query
        holds_nul = any(NUL in value for values in request.GET.lists() for value in values[1])
        return rows.none() if holds_nul or is_long else rows

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str | Combinable]:
        """Order by a column on request, unless that would sort more rows than are listed."""
        is_asked_for = ORDER_VAR in self.params and not self.query
        if is_asked_for and _count(queryset) > MAX_LISTED:
            del self.params[ORDER_VAR]
        return super().get_ordering(request, queryset)

    def get_results(self, request: HttpRequest) -> None:
        """Read the rows here, where Django leads a value that the database refuses back to the list."""
        try:
            super().get_results(request)
            if self.paginator.is_cut:
                self.page_num = min(self.page_num, self.paginator.num_pages)
                self.sortable_by = ()
            self.result_list = self.result_list.all()
            len(self.result_list)
        except (DataError, OverflowError, ValueError) as error:
            raise IncorrectLookupParameters(error) from error


def _count(rows: QuerySet[Any]) -> int:
    return rows.order_by()[: MAX_LISTED + 1].count()
